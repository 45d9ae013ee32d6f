//! What the child may not do, set by itself before it sees the document.

use crate::Limits;
use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus,
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
        setrlimit(resource, bound)
            .map_err(|error| format!("a limit of the reader cannot be set: {error}"))?;
    }
    Ok(())
}

/// Takes away from this thread, and those it starts, all files but one folder, and the network, where the
/// kernel can (Linux 5.13; 6.7 for the network). Older kernels leave the other walls standing: then the
/// answer is `false`.
pub(super) fn confine(out_dir: &Path) -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V5;
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?;
    let Ok(folder) = PathFd::new(out_dir) else { return Ok(false) };
    let status = ruleset.add_rule(PathBeneath::new(folder, AccessFs::from_all(abi)))?.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confined_thread_writes_in_its_folder_and_reads_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let secret = other.path().join("secret");
        std::fs::write(&secret, "x").unwrap();
        let inside = folder.path().join("page");
        let path = folder.path().to_owned();
        let seen = std::thread::spawn(move || {
            let confined = confine(&path).unwrap();
            (confined, std::fs::write(inside, "x").is_ok(), std::fs::read(secret).is_ok())
        });
        match seen.join().unwrap() {
            (false, ..) => println!("skipped: this kernel cannot confine a process to a folder (Landlock)"),
            seen => assert_eq!(seen, (true, true, false)),
        }
    }
}
