//! What the tests share: a cloud in memory (S3's objects, SNS' topic) over HTTP, documents with text on them, and the
//! server itself, in this process or in its own.

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use textract_local::{Api, Cloud, Config};
use tokio::net::TcpListener;

/// The name of the one bucket.
pub const BUCKET: &str = "results";
/// The topic of the completions.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:completed";
/// A role.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/textract";

/// Says so and returns true where there is no Tesseract.
pub fn skipped() -> bool {
    let found =
        Command::new("tesseract").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        println!("skipped: Tesseract is not installed (apt-get install tesseract-ocr)");
    }
    found.is_err()
}

/// S3 and SNS, as far as they are asked here.
#[derive(Clone)]
pub struct Emulated {
    pub address: SocketAddr,
    pub objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub published: Arc<Mutex<Vec<serde_json::Value>>>,
}

impl Emulated {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            objects: Arc::default(),
            published: Arc::default(),
        };
        let served = this.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let cloud = served.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let cloud = cloud.clone();
                        async move { Ok::<_, std::convert::Infallible>(cloud.answer(request).await) }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        this
    }

    pub fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        self.objects.lock().unwrap().insert(key.to_owned(), body.into());
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::POST {
            let body = body.collect().await.unwrap().to_bytes();
            return self.publish(&String::from_utf8_lossy(&body));
        }
        let key = parts.uri.path().strip_prefix(&format!("/{BUCKET}/")).unwrap_or_default();
        let found = self.objects.lock().unwrap().get(&decoded(key)).cloned();
        let Some(found) = found else {
            let body = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";
            return Response::builder().status(404).body(Full::from(body)).unwrap();
        };
        let length = found.len();
        let body = if parts.method == Method::HEAD { Vec::new() } else { found };
        Response::builder().header("content-length", length).body(Full::from(body)).unwrap()
    }

    fn publish(&self, form: &str) -> Response<Full<Bytes>> {
        let field = |name: &str| {
            let of = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=').map(decoded);
            form.split('&').find_map(of).unwrap_or_default()
        };
        assert_eq!((field("Action").as_str(), field("TopicArn").as_str()), ("Publish", TOPIC));
        self.published.lock().unwrap().push(serde_json::from_str(&field("Message")).unwrap());
        let body =
            "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        Response::builder().header("content-type", "text/xml").body(Full::from(body)).unwrap()
    }

    /// The completions, as soon as there are so many.
    pub async fn completions(&self, count: usize) -> Vec<serde_json::Value> {
        for _ in 0..600 {
            let seen = self.published.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no {count} completions in a minute: {:?}", self.published.lock().unwrap());
    }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(out).unwrap()
}

/// A configuration for a test: any port, this state folder, and what else `flags` say.
pub fn config(state: &Path, flags: &[&str]) -> Config {
    let state = state.to_str().unwrap();
    let all = ["textract-local", "--listen", "127.0.0.1:0", "--state", state].into_iter();
    <Config as clap::Parser>::parse_from(all.chain(flags.iter().copied()))
}

/// Serves in this process; returns a client of it.
pub async fn serve(cloud: &Emulated, state: &Path, flags: &[&str]) -> aws_sdk_textract::Client {
    let sdk = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(cloud.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(credentials()))
        .build();
    let api = Arc::new(Api::open(&config(state, flags), Cloud::new(&sdk)).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(textract_local::server::serve(listener, api, std::future::pending()));
    client(address)
}

fn credentials() -> Credentials {
    Credentials::for_tests()
}

/// A client of the server there, which repeats nothing.
pub fn client(address: SocketAddr) -> aws_sdk_textract::Client {
    let config = aws_sdk_textract::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(aws_sdk_textract::config::retry::RetryConfig::disabled())
        .credentials_provider(credentials())
        .build();
    aws_sdk_textract::Client::from_conf(config)
}

/// The server in its own process, killed when it is dropped.
pub struct Program {
    pub child: Child,
    pub address: SocketAddr,
}

impl Program {
    pub async fn start(cloud: &Emulated, state: &Path, flags: &[&str]) -> Self {
        // A free port, which nobody else takes so soon.
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_textract-local"))
            .args(["--listen", &address.to_string(), "--state", state.to_str().unwrap()])
            .args(flags)
            .env("AWS_ENDPOINT_URL", cloud.url())
            .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")])
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { child, address }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A PDF with a page for each text, a line for each of its lines.
pub fn pdf(pages: &[&str]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 3 + 2 * page)).collect();
    let mut out = format!(
        "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n\
         2 0 obj <</Type/Pages/Kids[{}]/Count {}/MediaBox[0 0 612 792]\
         /Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>> endobj\n",
        kids.join(" "),
        pages.len()
    );
    for (page, text) in pages.iter().enumerate() {
        let number = 3 + 2 * page;
        let shown: Vec<String> = text.lines().map(|line| format!("({line}) Tj T*")).collect();
        let content = format!("BT /F 14 Tf 20 TL 72 700 Td {} ET", shown.join(" "));
        out += &format!(
            "{number} 0 obj <</Type/Page/Parent 2 0 R/Contents {} 0 R>> endobj\n\
             {} 0 obj <</Length {}>> stream\n{content}\nendstream endobj\n",
            number + 1,
            number + 1,
            content.len()
        );
    }
    (out + "trailer <</Root 1 0 R>>\n%%EOF\n").into_bytes()
}

/// The same as pictures: a grey PNG for each page.
pub fn pngs(pages: &[&str]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    extract::paint_pages(pdf(pages), folder.path(), &extract::Limits::default(), &mut |picture| {
        out.push(std::fs::read(picture.image.unwrap().expect("something is on the page")).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    out
}

/// A letter of so many lines, each with the page's name and its own number.
pub fn letter(name: &str, lines: usize) -> String {
    (1..=lines).map(|line| format!("The {name} letter was signed in line {line}\n")).collect()
}
