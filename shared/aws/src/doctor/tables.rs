//! The tables with their indexes and times to live, as `docs/aws-tables.md` has them.

use super::mend::quote;
use super::{Trouble, Verdict, Ward, code};
use aws_sdk_dynamodb::types::{TableDescription, TimeToLiveStatus};
use serde_json::{Value, json};

/// The attribute that says when an item may go.
const EXPIRES: &str = "expires_at";

/// An index: its name, its two keys, and what is kept beside them.
struct Index {
    name: &'static str,
    keys: [&'static str; 2],
    beside: &'static [&'static str],
}

/// A table: its key, its indexes.
struct Table {
    name: String,
    keys: &'static [&'static str],
    indexes: &'static [Index],
    expires: bool,
}

const OF_JOBS: [Index; 3] = [
    Index { name: "by-state", keys: ["place", "order"], beside: &["reason", "key"] },
    Index { name: "by-key", keys: ["document", "version_order"], beside: &[] },
    Index { name: "by-head", keys: ["head", "id"], beside: &[] },
];

fn schema(keys: &[&str]) -> Value {
    keys.iter()
        .zip(["HASH", "RANGE"])
        .map(|(key, kind)| json!({"AttributeName": key, "KeyType": kind}))
        .collect()
}

/// Each attribute that is a key of something, once. All of them are texts.
fn definitions<'a>(keys: impl IntoIterator<Item = &'a str>) -> Value {
    let mut all: Vec<_> = keys.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|key| json!({"AttributeName": key, "AttributeType": "S"})).collect()
}

impl Index {
    fn definition(&self) -> Value {
        let projection = if self.beside.is_empty() {
            json!({"ProjectionType": "KEYS_ONLY"})
        } else {
            json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": self.beside})
        };
        json!({"IndexName": self.name, "KeySchema": schema(&self.keys), "Projection": projection})
    }
}

/// Looks at each.
pub(super) async fn look(ward: &Ward) -> Vec<Verdict> {
    let names = &ward.aws.names;
    let tables = [
        Table { name: names.jobs(), keys: &["id"], indexes: &OF_JOBS, expires: true },
        Table { name: names.claims(), keys: &["name"], indexes: &[], expires: true },
        Table { name: names.settings(), keys: &["kind", "name"], indexes: &[], expires: false },
    ];
    let mut verdicts = Vec::new();
    for table in &tables {
        verdicts.extend(table.look(ward).await);
    }
    verdicts
}

impl Table {
    fn arn(&self, ward: &Ward) -> String {
        let names = &ward.aws.names;
        format!("arn:{}:dynamodb:{}:{}:table/{}", names.partition, names.region, names.account, self.name)
    }

    async fn look(&self, ward: &Ward) -> Vec<Verdict> {
        let found = match ward.aws.clients.dynamodb.describe_table().table_name(&self.name).send().await {
            Ok(answer) => answer.table,
            Err(error) if code(&error).ends_with("ResourceNotFoundException") => None,
            Err(error) => {
                let doing = format!("looking at the table {}", self.name);
                return vec![Err(ward.failed(&doing, "dynamodb:DescribeTable", &self.arn(ward), &error))];
            }
        };
        let Some(found) = found else {
            let what =
                format!("there is no table {}: no service can work, and what it held is gone", self.name);
            return vec![Err(Trouble::new(what, self.make(ward)))];
        };
        let mut verdicts: Vec<_> =
            self.indexes.iter().filter_map(|index| self.lacks(ward, &found, index)).collect();
        if verdicts.is_empty() {
            verdicts.push(Ok(self.said()));
        }
        if self.expires {
            verdicts.extend(self.forgets(ward).await);
        }
        verdicts
    }

    fn said(&self) -> String {
        let indexes: Vec<_> = self.indexes.iter().map(|index| index.name).collect();
        let with = if indexes.is_empty() { String::new() } else { format!(" with {}", indexes.join(", ")) };
        format!("{}{with}", self.name)
    }

    /// What is wrong with an index, if something is.
    fn lacks(&self, ward: &Ward, found: &TableDescription, index: &Index) -> Option<Verdict> {
        let known =
            found.global_secondary_indexes().iter().find(|known| known.index_name() == Some(index.name));
        let status = known.map(|known| known.index_status().map_or("ACTIVE", |status| status.as_str()));
        let (name, table) = (index.name, &self.name);
        match status {
            Some("ACTIVE" | "UPDATING") => None,
            Some(status) => Some(Err(Trouble::new(
                format!(
                    "the index {name} of {table} is {status}: it is being built or going away; wait, then look again"
                ),
                ward.mender.precis("doctor --check tables"),
            ))),
            None => Some(Err(Trouble::new(
                format!(
                    "the table {table} lacks its index {name}: jobs cannot be found by it (DynamoDB builds one index at a \
                     time)"
                ),
                self.add(ward, index),
            ))),
        }
    }

    fn add(&self, ward: &Ward, index: &Index) -> String {
        let create = json!([{"Create": index.definition()}]);
        ward.mender.aws(&format!(
            "dynamodb update-table --table-name {} --attribute-definitions {} --global-secondary-index-updates {}",
            self.name,
            quote(&definitions(index.keys).to_string()),
            quote(&create.to_string())
        ))
    }

    fn make(&self, ward: &Ward) -> String {
        let name = &self.name;
        let keys = self.keys.iter().copied().chain(self.indexes.iter().flat_map(|index| index.keys));
        let mut create = format!(
            "dynamodb create-table --table-name {name} --billing-mode PAY_PER_REQUEST --sse-specification Enabled=true \
             --attribute-definitions {} --key-schema {}",
            quote(&definitions(keys).to_string()),
            quote(&schema(self.keys).to_string())
        );
        if !self.indexes.is_empty() {
            let indexes: Value = self.indexes.iter().map(Index::definition).collect();
            create = format!("{create} --global-secondary-indexes {}", quote(&indexes.to_string()));
        }
        let mut steps = vec![create, format!("dynamodb wait table-exists --table-name {name}")];
        if self.expires {
            steps.push(self.forget());
        }
        steps.push(format!(
            "dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification \
             PointInTimeRecoveryEnabled=true"
        ));
        steps.iter().map(|step| ward.mender.aws(step)).collect::<Vec<_>>().join(" && ")
    }

    fn forget(&self) -> String {
        format!(
            "dynamodb update-time-to-live --table-name {} --time-to-live-specification \
             Enabled=true,AttributeName={EXPIRES}",
            self.name
        )
    }

    /// What is wrong with its time to live, if something is.
    async fn forgets(&self, ward: &Ward) -> Option<Verdict> {
        let answer = ward.aws.clients.dynamodb.describe_time_to_live().table_name(&self.name).send().await;
        let told = match answer {
            Ok(answer) => answer.time_to_live_description,
            Err(error) => {
                let doing = format!("looking at the time to live of {}", self.name);
                return Some(Err(ward.failed(
                    &doing,
                    "dynamodb:DescribeTimeToLive",
                    &self.arn(ward),
                    &error,
                )));
            }
        };
        let on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling];
        let well = told.is_some_and(|told| {
            told.time_to_live_status.is_some_and(|status| on.contains(&status))
                && told.attribute_name.as_deref() == Some(EXPIRES)
        });
        (!well).then(|| {
            let what =
                format!("the table {} has no time to live: it keeps for good what should go", self.name);
            Err(Trouble::new(what, ward.mender.aws(&self.forget())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template is the truth; what is made here must say the same.
    #[test]
    fn tables_and_indexes_are_those_of_the_template() {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/data.yml");
        let template = std::fs::read_to_string(template).unwrap();
        for index in &OF_JOBS {
            let [hash, range] = index.keys;
            let said = format!(
                "- IndexName: {}\n          KeySchema: [{{AttributeName: {hash}, KeyType: HASH}}, {{AttributeName: {range}, \
                 KeyType: RANGE}}]",
                index.name
            );
            assert!(template.contains(&said), "{said}");
        }
        assert!(template.contains("NonKeyAttributes: [reason, key]"));
        assert_eq!(template.matches("- IndexName: ").count(), OF_JOBS.len());
        assert_eq!(template.matches("AWS::DynamoDB::Table").count(), 3);
    }

    #[test]
    fn an_attribute_of_several_keys_is_defined_once() {
        let all = definitions(["id", "head", "id"]);
        assert_eq!(
            all,
            json!([{"AttributeName": "head", "AttributeType": "S"}, {"AttributeName": "id", "AttributeType": "S"}])
        );
    }
}
