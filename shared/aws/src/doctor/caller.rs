//! Who calls, and whether our clock is right.

use super::{Trouble, Verdict, Ward};
use crate::connect::Settings;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use std::sync::{Arc, Mutex};

/// What a signature bears; S3 bears 15 minutes, the others five.
const WRONG_S: u64 = 5 * 60;

/// Keeps the `Date` of an answer.
#[derive(Debug, Clone, Default)]
struct Dated(Arc<Mutex<Option<String>>>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "dated"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        if let Ok(mut kept) = self.0.lock() {
            *kept = date;
        }
        Ok(())
    }
}

/// Nobody can say who we are.
pub(super) fn refused(said: &str, settings: &Settings) -> Trouble {
    let profile = settings.choice.profile.as_ref().map(|profile| format!(" --profile {profile}"));
    let profile = profile.unwrap_or_default();
    let lower = said.to_lowercase();
    let mend = if lower.contains("clock") {
        "sudo timedatectl set-ntp true".to_owned()
    } else if lower.contains("expired") {
        format!("aws sso login{profile}")
    } else if lower.contains("cannot be reached") || lower.contains("in time") {
        "curl -I \"${AWS_ENDPOINT_URL:-https://sts.amazonaws.com}\"".to_owned()
    } else {
        format!("aws configure{profile}")
    };
    Trouble::new(said, mend)
}

/// Asks STS, and looks at its clock. Tells the ward who calls.
pub(super) async fn look(ward: &mut Ward) -> (Verdict, Verdict) {
    let dated = Dated::default();
    let asked = Timestamp::now();
    let call = ward.aws.clients.sts.get_caller_identity().customize().interceptor(dated.clone());
    let who = match call.send().await {
        Err(error) => Err(ward.failed("asking AWS who we are", "sts:GetCallerIdentity", "*", &error)),
        Ok(caller) => {
            ward.mender.caller = caller.arn().unwrap_or_default().to_owned();
            let names = &ward.aws.names;
            Ok(format!("{} in {}; the stack is {}", ward.mender.caller, names.region, names.stack))
        }
    };
    let date = dated.0.lock().ok().and_then(|kept| kept.clone());
    (who, clock(date.as_deref(), asked))
}

/// Whether the clock agrees with an answer's.
fn clock(date: Option<&str>, ours: Timestamp) -> Verdict {
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(theirs) = theirs else { return Ok("AWS took our signature, so it is near enough".to_owned()) };
    let apart = theirs.timestamp().as_second().abs_diff(ours.as_second());
    if apart > WRONG_S {
        let what = format!(
            "this machine's clock says {}, AWS's {}: {apart} s apart. From {WRONG_S} s on AWS refuses what we sign",
            ours.strftime("%H:%M:%S"),
            theirs.timestamp().strftime("%H:%M:%S")
        );
        return Err(Trouble::new(what, "sudo timedatectl set-ntp true"));
    }
    Ok(format!("{apart} s from that of AWS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_five_minutes_off_and_no_more() {
        let ours: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        assert!(clock(Some("Sat, 28 Nov 2026 12:04:59 GMT"), ours).is_ok());
        let wrong = clock(Some("Sat, 28 Nov 2026 11:40:00 GMT"), ours).unwrap_err();
        assert!(wrong.what.contains("1200 s apart"), "{}", wrong.what);
        assert!(clock(None, ours).is_ok() && clock(Some("yesterday"), ours).is_ok());
    }

    #[test]
    fn who_is_refused_is_told_what_to_do_by_the_cause() {
        let settings = Settings::default();
        let mend = |said: &str| refused(said, &settings).mend;
        assert_eq!(mend("ExpiredToken: it expired"), "aws sso login");
        assert_eq!(mend("no AWS credentials were found"), "aws configure");
        assert!(mend("This machine's clock is wrong").contains("timedatectl"));
    }
}
