//! A deployment as its operator has it: by the command line.

use super::Deployment;
use crate::program::{Ran, precis, run};

impl Deployment {
    /// The environment of an operator of this deployment: the account, and where it is.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.textract.envs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| name.starts_with("AWS_"))
    }

    /// Runs the operator's command on this deployment.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn precis(&self, arguments: &[&str]) -> Ran {
        let mut command = precis();
        command.args(arguments).args(["--stack", &self.aws.names.stack]).envs(self.environment());
        run(command.env_remove("AWS_CA_BUNDLE").env_remove("AWS_PROFILE"))
    }
}
