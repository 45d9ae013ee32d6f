//! How long the threads of this process have had a core: what the tools here are measured by.

use std::error::Error;

/// Seconds of all threads together (Linux).
pub fn on_cores() -> Result<f64, Box<dyn Error>> {
    let mut all = 0.0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        // The first number is in nanoseconds.
        let line = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        all += line.split(' ').next().unwrap_or_default().parse::<f64>()?;
    }
    Ok(all / 1e9)
}
