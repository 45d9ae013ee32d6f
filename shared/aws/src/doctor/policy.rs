//! Whether a queue's policy lets a service send, and a policy that does. The rest of a policy stays as it is.

use serde_json::{Value, json};

/// Who sends to a queue, on behalf of what.
pub(super) struct Sender<'a> {
    /// `s3.amazonaws.com` or `sns.amazonaws.com`.
    pub service: &'a str,
    /// ARN of the bucket or topic.
    pub source: &'a str,
    /// The account that the source must be of: a bucket's ARN does not name it.
    pub account: Option<&'a str>,
    /// The statement's name.
    pub sid: &'a str,
}

/// One value, or each of a list.
fn each(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| if value.is_null() { Vec::new() } else { vec![value] }, |all| all.iter().collect())
}

fn statements(policy: Option<&str>) -> Vec<Value> {
    let policy: Value = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    each(&policy["Statement"]).into_iter().cloned().collect()
}

/// Whether `*` of a pattern can be filled in so that it is the text.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    each(value).into_iter().filter_map(Value::as_str)
}

fn statement_lets(statement: &Value, sender: &Sender<'_>) -> bool {
    let principal = &statement["Principal"];
    let service = principal == "*"
        || texts(&principal["Service"]).any(|service| service == sender.service)
        || texts(&principal["AWS"]).any(|who| who == "*");
    let action = texts(&statement["Action"]).any(|action| like(&action.to_lowercase(), "sqs:sendmessage"));
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    // A condition on anything but the source is taken to hold: only AWS can tell.
    let source = conditions.filter(|(operator, _)| !operator.contains("Not")).all(|(_, tests)| {
        tests.as_object().into_iter().flatten().all(|(name, values)| {
            !name.eq_ignore_ascii_case("aws:SourceArn")
                || texts(values).any(|value| like(value, sender.source))
        })
    });
    statement["Effect"] == "Allow" && service && action && source
}

/// Whether a queue's policy lets it send.
pub(super) fn lets(policy: Option<&str>, sender: &Sender<'_>) -> bool {
    statements(policy).iter().any(|statement| statement_lets(statement, sender))
}

/// The policy of this queue, with a statement that lets it send.
pub(super) fn letting(policy: Option<&str>, queue: &str, sender: &Sender<'_>) -> Value {
    let mut all = statements(policy);
    if all.is_empty() {
        all.push(
            json!({"Sid": "OnlyTls", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": queue,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
        );
    }
    all.retain(|statement| statement["Sid"] != sender.sid);
    let mut condition = json!({"ArnEquals": {"aws:SourceArn": sender.source}});
    if let Some(account) = sender.account {
        condition["StringEquals"] = json!({"aws:SourceAccount": account});
    }
    all.push(json!({"Sid": sender.sid, "Effect": "Allow", "Principal": {"Service": sender.service},
        "Action": "sqs:SendMessage", "Resource": queue, "Condition": condition}));
    json!({"Version": "2012-10-17", "Statement": all})
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Sender<'_> =
        Sender { service: "s3.amazonaws.com", source: "arn:aws:s3:::docs", account: Some("1"), sid: "Ours" };

    #[test]
    fn a_pattern_is_filled_in() {
        for (pattern, text) in
            [("*", ""), ("a*", "abc"), ("a*c", "abc"), ("arn:*:s3:::d*s", "arn:aws:s3:::docs"), ("ab", "ab")]
        {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*b", "ac"), ("*x*", "abc")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_policy_that_was_made_to_let_does_and_keeps_what_it_said() {
        assert!(!lets(None, &SENDER));
        let made = letting(None, "q", &SENDER).to_string();
        assert!(lets(Some(&made), &SENDER) && made.contains("OnlyTls"), "{made}");
        let other = r#"{"Statement": {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "2"}, "Action": "sqs:*"}}"#;
        assert!(!lets(Some(other), &SENDER));
        let both = letting(Some(other), "q", &SENDER);
        assert_eq!(both["Statement"].as_array().unwrap().len(), 2);
        assert_eq!(letting(Some(&both.to_string()), "q", &SENDER), both, "twice is once");
    }

    #[test]
    fn another_source_another_action_or_a_refusal_does_not_let() {
        let with = |change: fn(&mut Value)| {
            let mut policy = letting(None, "q", &SENDER);
            change(&mut policy["Statement"][1]);
            lets(Some(&policy.to_string()), &SENDER)
        };
        assert!(with(|_| ()));
        assert!(with(|statement| statement["Action"] = json!(["sqs:Get*", "SQS:Send*"])));
        assert!(with(|statement| statement["Condition"] =
            json!({"ArnLike": {"AWS:SourceArn": ["x", "arn:aws:s3:*:*:d*"]}})));
        assert!(!with(
            |statement| statement["Condition"]["ArnEquals"] = json!({"aws:SourceArn": "arn:aws:s3:::other"})
        ));
        assert!(!with(|statement| statement["Action"] = json!("sqs:ReceiveMessage")));
        assert!(!with(|statement| statement["Effect"] = json!("Deny")));
        assert!(!with(|statement| statement["Principal"] = json!({"Service": "sns.amazonaws.com"})));
    }
}
