//! What is assumed of the world: `assumptions.toml`, where each figure has its source. How large a task is and how many
//! documents it has in hand is our choice, and read from `infra/services.yml`.

use crate::Stage;
use crate::template::{Error, Template, number};
use serde::Deserialize;

/// The file, as it was when the program was compiled.
const FILE: &str = include_str!("../assumptions.toml");
/// The template with the tasks, as it was then.
const SERVICES: &str = include_str!("../../../infra/services.yml");

/// A time that varies, by its median and 95th percentile, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the words say it")]
pub struct Around {
    pub median: f64,
    pub p95: f64,
}

/// A time between two bounds, evenly, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the words say it")]
pub struct Between {
    pub low: f64,
    pub high: f64,
}

/// A service and its task.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Service {
    pub latency: f64,
    pub cpu: f64,
    pub long: f64,
    pub longest: f64,
    /// As the template says.
    #[serde(skip)]
    pub task: Task,
}

/// The size of a task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Task {
    /// Processors.
    pub vcpu: f64,
    /// Gigabytes.
    pub memory: f64,
    /// Documents in hand at once (`PRECIS_CONCURRENCY`).
    pub concurrency: u32,
}

impl Task {
    /// The task definition of that logical name.
    fn of(template: &Template, name: &str) -> Result<Self, Error> {
        let place = format!("Resources.{name}.Properties");
        let properties = template.raw(&place).ok_or_else(|| Error::wrong(&place, "it is not there"))?;
        let figure = |key: &str| {
            properties
                .get(key)
                .and_then(number)
                .ok_or_else(|| Error::wrong(&place, format!("{key} is no number")))
        };
        let variables =
            properties.pointer("/ContainerDefinitions/0/Environment").and_then(|all| all.as_array());
        let concurrency = variables
            .into_iter()
            .flatten()
            .find(|one| one.get("Name").and_then(|name| name.as_str()) == Some("PRECIS_CONCURRENCY"));
        let concurrency = concurrency.and_then(|one| one.get("Value")).and_then(number);
        let concurrency =
            concurrency.ok_or_else(|| Error::wrong(&place, "PRECIS_CONCURRENCY is no number"))?;
        Ok(Self {
            vcpu: figure("Cpu")? / 1024.0,
            memory: figure("Memory")? / 1024.0,
            concurrency: concurrency as u32,
        })
    }
}

impl Service {
    /// Documents a second of one task: its slots and its processor bound it.
    #[must_use]
    pub fn rate(&self) -> f64 {
        (f64::from(self.task.concurrency) / self.latency).min(self.task.vcpu / self.cpu)
    }
}

/// The four services.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the services by name")]
pub struct Services {
    pub ingest: Service,
    pub ocr: Service,
    pub summarize: Service,
    pub notify: Service,
}

/// Fargate.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Fargate {
    pub start: Around,
    pub burst: u32,
    pub per_second: u32,
}

/// GPU instances and summarize on them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Gpu {
    pub boot: Around,
    pub start: Around,
    pub reservation_delay: Between,
    pub latency: f64,
    pub cpu: f64,
    pub dollars_an_hour: f64,
    /// As the template says.
    #[serde(skip)]
    pub task: Task,
}

/// Delays of metrics and of what follows from them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Metrics {
    pub sqs: Between,
    pub insights: Between,
    pub ecs: Between,
    pub action: Between,
}

/// The worker's numbers.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Worker {
    pub poll: f64,
    pub drain: f64,
    pub stop_timeout: f64,
    pub protect_after: f64,
    pub term: f64,
    pub absent: f64,
    pub attempts: u8,
    pub backoff: f64,
    pub longest_backoff: f64,
}

/// Spot.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Spot {
    pub hours: f64,
}

/// Textract's quotas and times.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Textract {
    pub calls_per_second: f64,
    pub concurrent_jobs: u32,
    pub several_pages: f64,
    pub job_seconds: Between,
}

/// The gate for e-mails.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Email {
    pub per_second: f64,
    pub patience: f64,
}

/// What Fargate costs, in dollars.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Price {
    pub vcpu_hour: f64,
    pub gb_hour: f64,
    pub least_seconds: f64,
}

/// All of it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file says it of each")]
pub struct Assumptions {
    pub service: Services,
    pub fargate: Fargate,
    pub gpu: Gpu,
    pub metrics: Metrics,
    pub worker: Worker,
    pub spot: Spot,
    pub textract: Textract,
    pub email: Email,
    pub fargate_price: Price,
    /// Does summarize run on GPU instances?
    #[serde(skip)]
    pub on_gpu: bool,
}

impl Assumptions {
    /// Those of the file, with the tasks of the template.
    pub fn read() -> anyhow::Result<Self> {
        let mut read: Self = toml::from_str(FILE)?;
        let template = Template::parse(SERVICES)?;
        let Services { ingest, ocr, summarize, notify } = &mut read.service;
        for (task, name) in [
            (&mut ingest.task, "IngestTask"),
            (&mut ocr.task, "OcrTask"),
            (&mut summarize.task, "SummarizeTask"),
            (&mut notify.task, "NotifyTask"),
            (&mut read.gpu.task, "SummarizeGpuTask"),
        ] {
            *task = Task::of(&template, name)?;
        }
        Ok(read)
    }

    /// The same with summarize on GPU instances.
    #[must_use]
    pub fn on_gpu(mut self) -> Self {
        let gpu = self.gpu;
        let summarize = &mut self.service.summarize;
        (summarize.latency, summarize.cpu, summarize.task) = (gpu.latency, gpu.cpu, gpu.task);
        self.on_gpu = true;
        self
    }

    /// The same where every start takes so many times as long.
    #[must_use]
    pub fn starts_times(mut self, factor: f64) -> Self {
        for start in [&mut self.fargate.start, &mut self.gpu.start, &mut self.gpu.boot] {
            start.median *= factor;
            start.p95 *= factor;
        }
        self
    }

    /// One service.
    #[must_use]
    pub fn of(&self, stage: Stage) -> &Service {
        match stage {
            Stage::Ingest => &self.service.ingest,
            Stage::Ocr => &self.service.ocr,
            Stage::Summarize => &self.service.summarize,
            Stage::Notify => &self.service.notify,
        }
    }

    /// Dollars of a second of one task of the service.
    #[must_use]
    pub fn dollars_a_second(&self, stage: Stage) -> f64 {
        if self.on_gpu && stage == Stage::Summarize {
            return self.gpu.dollars_an_hour / 3600.0;
        }
        let (service, price) = (self.of(stage), &self.fargate_price);
        (service.task.vcpu * price.vcpu_hour + service.task.memory * price.gb_hour) / 3600.0
    }

    /// The time that a start of a task of the service takes, typically.
    #[must_use]
    pub fn start(&self, stage: Stage) -> Around {
        if self.on_gpu && stage == Stage::Summarize { self.gpu.start } else { self.fargate.start }
    }
}
