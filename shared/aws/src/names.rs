//! What a deployment's parts are called. All names follow from the stack's, the account and the region, so a service
//! needs to be told one word; `infra/` makes the parts under the same names.

use ports::{Address, QueueName};

/// The stack's name unless somebody says otherwise.
pub const DEFAULT_STACK: &str = "precis";

/// The names of one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The stack.
    pub stack: String,
    /// The account's twelve digits.
    pub account: String,
    /// The region, for example `eu-west-1`.
    pub region: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// Bucket of the documents, where it is not named after the stack.
    pub own_uploads: Option<String>,
    /// Bucket of the artifacts, where it is not named after the stack.
    pub own_results: Option<String>,
}

impl Names {
    /// The names of a stack.
    #[must_use]
    pub fn new(stack: &str, account: &str, region: &str, partition: &str) -> Self {
        Self {
            stack: stack.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            partition: partition.to_owned(),
            own_uploads: None,
            own_results: None,
        }
    }

    fn of(&self, part: &str) -> String {
        format!("{}-{part}", self.stack)
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    /// A queue, or its dead-letter queue.
    #[must_use]
    pub fn queue(&self, address: Address) -> String {
        let dead = if address.dead { "-dead" } else { "" };
        format!("{}-{}{dead}", self.stack, address.queue.as_str())
    }

    /// Its ARN.
    #[must_use]
    pub fn queue_arn(&self, address: Address) -> String {
        self.arn("sqs", &self.queue(address))
    }

    /// Every queue and dead-letter queue.
    #[must_use]
    pub fn addresses() -> Vec<Address> {
        let both = |queue: QueueName| [Address::live(queue), Address::dead(queue)];
        QueueName::ALL.into_iter().flat_map(both).collect()
    }

    /// ARN of the topic for programs.
    #[must_use]
    pub fn outcomes_arn(&self) -> String {
        self.arn("sns", &self.of("outcomes"))
    }

    /// ARN of the topic for people.
    #[must_use]
    pub fn completions_arn(&self) -> String {
        self.arn("sns", &self.of("completions"))
    }

    /// ARN of the topic that Textract publishes to.
    #[must_use]
    pub fn textract_completed_arn(&self) -> String {
        self.arn("sns", &self.of("textract-completed"))
    }

    /// ARN of the role in which Textract publishes.
    #[must_use]
    pub fn textract_role_arn(&self) -> String {
        format!("arn:{}:iam::{}:role/{}", self.partition, self.account, self.of("textract"))
    }

    /// Bucket of the documents.
    #[must_use]
    pub fn uploads(&self) -> String {
        let usual = || format!("{}-uploads-{}-{}", self.stack, self.account, self.region);
        self.own_uploads.clone().unwrap_or_else(usual)
    }

    /// Bucket of the artifacts.
    #[must_use]
    pub fn results(&self) -> String {
        let usual = || format!("{}-results-{}-{}", self.stack, self.account, self.region);
        self.own_results.clone().unwrap_or_else(usual)
    }

    /// Where the console of S3 shows an object of the results bucket to whoever may see it. `{…}` in its key stay.
    #[must_use]
    pub fn console_url(&self, key: &str) -> String {
        let host = match self.partition.as_str() {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        format!("https://{host}/s3/object/{}?region={}&prefix={key}", self.results(), self.region)
    }

    /// Table of the jobs.
    #[must_use]
    pub fn jobs(&self) -> String {
        self.of("jobs")
    }

    /// Table of claims on content, tallies and gates.
    #[must_use]
    pub fn claims(&self) -> String {
        self.of("claims")
    }

    /// Table of settings and subscriptions.
    #[must_use]
    pub fn settings(&self) -> String {
        self.of("settings")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_follows_from_the_stack_the_account_and_the_region() {
        let names = Names::new("precis", "123456789012", "eu-west-1", "aws");
        assert_eq!(names.queue(Address::dead(QueueName::OcrCompleted)), "precis-ocr-completed-dead");
        assert_eq!(names.uploads(), "precis-uploads-123456789012-eu-west-1");
        assert_eq!(names.completions_arn(), "arn:aws:sns:eu-west-1:123456789012:precis-completions");
        assert_eq!(names.textract_role_arn(), "arn:aws:iam::123456789012:role/precis-textract");
        assert_eq!(Names::addresses().len(), 10);
    }
}
