//! Commands that mend, as a shell takes them.

use super::Trouble;
use crate::connect::Settings;
use crate::names::Names;
use serde_json::json;

/// Writes commands for one deployment, as one who calls.
pub(super) struct Mender {
    stack: String,
    region: String,
    /// What is typed so that a command uses the same account and region.
    choice: String,
    /// Whether the region was chosen on the command line, and not by the environment.
    chosen: String,
    account: String,
    /// Whether the commands go to AWS itself rather than to an emulator.
    is_real: bool,
    /// ARN of who calls.
    pub caller: String,
}

/// A word that the shell takes as it is.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl Mender {
    pub fn new(settings: &Settings, names: &Names, is_real: bool) -> Self {
        let profile = settings.choice.profile.as_ref().map(|profile| format!(" --profile {profile}"));
        let profile = profile.unwrap_or_default();
        let region = settings.choice.region.as_ref().map(|region| format!(" --region {region}"));
        Self {
            stack: names.stack.clone(),
            region: names.region.clone(),
            choice: format!("{profile} --region {}", names.region),
            chosen: format!("{profile}{}", region.unwrap_or_default()),
            account: names.account.clone(),
            is_real,
            caller: String::new(),
        }
    }

    /// A command of the AWS CLI.
    pub fn aws(&self, command: &str) -> String {
        // Version 1 of the CLI calls SQS by its name of old, whatever AWS_ENDPOINT_URL says.
        if !self.is_real && command.starts_with("sqs ") {
            return format!("aws{} --endpoint-url \"$AWS_ENDPOINT_URL\" {command}", self.choice);
        }
        format!("aws{} {command}", self.choice)
    }

    /// A command of ours.
    pub fn precis(&self, command: &str) -> String {
        format!("precis {command} --stack {}{}", self.stack, self.chosen)
    }

    /// How a stack comes into being.
    pub fn deploy(&self) -> Trouble {
        let deploy = self.aws(&format!(
            "cloudformation deploy --template-file infra/$part.yml --stack-name {0}-$part --parameter-overrides \
             Stack={0} --capabilities CAPABILITY_NAMED_IAM",
            self.stack
        ));
        Trouble::new(
            format!(
                "no queue of the stack {} is in account {}, region {}: it is another account or region, or the stack was \
                 never deployed (from a clone of the repository)",
                self.stack, self.account, self.region
            ),
            format!("for part in messaging data; do {deploy}; done"),
        )
    }

    /// Lets who calls do something. An administrator runs it.
    pub fn allow(&self, actions: &[&str], resource: &str) -> String {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": resource}]});
        let name = actions.first().copied().unwrap_or_default().replace([':', '*'], "-");
        let rest = format!("--policy-name precis-{name} --policy-document {}", quote(&policy.to_string()));
        let who = self.caller.splitn(6, ':').nth(5).unwrap_or_default();
        let mut parts = who.split('/');
        match (parts.next(), parts.next(), parts.next_back()) {
            (Some("assumed-role"), Some(role), _) => {
                self.aws(&format!("iam put-role-policy --role-name {role} {rest}"))
            }
            (Some("user"), Some(first), last) => {
                self.aws(&format!("iam put-user-policy --user-name {} {rest}", last.unwrap_or(first)))
            }
            _ => format!("let {} call {} on {resource}", self.caller, actions.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mender(caller: &str) -> Mender {
        let names = Names::new("precis", "123456789012", "eu-west-1", "aws");
        Mender { caller: caller.to_owned(), ..Mender::new(&Settings::default(), &names, true) }
    }

    #[test]
    fn a_role_and_a_user_are_let_by_their_own_policies_and_others_in_words() {
        let allow = |caller: &str| mender(caller).allow(&["sqs:SendMessage"], "*");
        let role = allow("arn:aws:sts::123456789012:assumed-role/ops/ann");
        assert!(role.starts_with(
            "aws --region eu-west-1 iam put-role-policy --role-name ops --policy-name precis-sqs-SendMessage"
        ));
        assert!(allow("arn:aws:iam::123456789012:user/a/b/ann").contains("put-user-policy --user-name ann "));
        assert!(
            allow("arn:aws:iam::123456789012:root").starts_with("let arn:aws:iam::123456789012:root call")
        );
    }

    #[test]
    fn a_quoted_word_stays_one_word() {
        assert_eq!(quote("a'b"), r"'a'\''b'");
    }
}
