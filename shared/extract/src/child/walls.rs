//! What the child may not do, set by itself before it sees the document.

use crate::Limits;
use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::path::Path;

/// Bounds memory, processor time, the size of files and their number, and forbids core files.
pub(super) fn limit(limits: &Limits) -> Result<(), String> {
    let file = limits.output_bytes.max(512 << 20);
    let bounds = [
        (Resource::As, limits.memory_bytes, limits.memory_bytes),
        // The soft limit ends the process with a signal of its own; the hard one comes after it.
        (Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds.saturating_add(2)),
        (Resource::Fsize, file, file),
        (Resource::Nofile, 64, 64),
        (Resource::Core, 0, 0),
    ];
    for (resource, soft, hard) in bounds {
        let bound = Rlimit { current: Some(soft), maximum: Some(hard) };
        setrlimit(resource, bound).map_err(|error| format!("a limit of the reader cannot be set: {error}"))?;
    }
    Ok(())
}

/// Takes away all files but one folder, and the network, where the kernel can (Linux 5.13; 6.7 for the
/// network). Older kernels leave the other walls standing.
pub(super) fn confine(out_dir: &Path) -> Result<(), landlock::RulesetError> {
    let abi = ABI::V5;
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?;
    if let Ok(folder) = PathFd::new(out_dir) {
        ruleset.add_rule(PathBeneath::new(folder, AccessFs::from_all(abi)))?.restrict_self()?;
    }
    Ok(())
}
