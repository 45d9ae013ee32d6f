//! Whether Textract answers us.

use super::{Trouble, Verdict, Ward};
use crate::classify::port_error;
use ports::Fault;

/// A job that cannot be: to ask for it costs nothing, and the answer says whether we may ask.
const NO_JOB: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Asks after a job that there is not.
pub(super) async fn look(ward: &Ward) -> Verdict {
    let region = &ward.aws.names.region;
    let error = match ward.aws.clients.textract.get_document_text_detection().job_id(NO_JOB).send().await {
        Ok(_) => return Ok(format!("answers in {region}")),
        Err(error) => port_error("asking Textract", &error),
    };
    match error.fault {
        // `InvalidJobIdException`: it looked for the job.
        Fault::NotFound | Fault::Throttled(_) => Ok(format!("answers in {region}")),
        Fault::Denied => {
            let actions = [
                "textract:DetectDocumentText",
                "textract:StartDocumentTextDetection",
                "textract:GetDocumentTextDetection",
            ];
            Err(Trouble::new(format!("{error}: no scan can be read"), ward.mender.allow(&actions, "*")))
        }
        _ => Err(Trouble::new(
            format!("{error}: no scan can be read (not every region has Textract)"),
            ward.mender.precis("doctor --check textract"),
        )),
    }
}
