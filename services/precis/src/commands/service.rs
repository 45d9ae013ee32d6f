//! `precis service install`: a systemd unit, so that the pipeline survives logout and restart.

use crate::cli::Service;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Runs the command.
pub fn run(command: &Service, out: &mut dyn Write) -> Result<()> {
    let Service::Install { data, user, print } = command;
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let folder = std::path::absolute(&data.folder).context("cannot tell where the data folder lies")?;
    let model = crate::model::find(None).ok().and_then(|model| std::path::absolute(model).ok());
    let unit = unit(&program, &folder, model.as_deref(), *user)?;
    if *print {
        out.write_all(unit.as_bytes())?;
        return Ok(());
    }
    let file = place(*user)?;
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    std::fs::write(&file, unit).with_context(|| {
        format!("cannot write {}: run it with sudo, or with --user, or see --print", file.display())
    })?;
    let (sudo, flag) = if *user { ("", " --user") } else { ("sudo ", "") };
    writeln!(out, "Wrote {}. Start it now and with every boot:", file.display())?;
    writeln!(out, "  {sudo}systemctl{flag} daemon-reload && {sudo}systemctl{flag} enable --now precis")?;
    if *user {
        writeln!(out, "  loginctl enable-linger      # so that it goes on when you log out")?;
    }
    writeln!(out, "Then: {sudo}journalctl{flag} -u precis -f")?;
    Ok(())
}

fn place(user: bool) -> Result<PathBuf> {
    if !user {
        return Ok(PathBuf::from("/etc/systemd/system/precis.service"));
    }
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    match home {
        Some(config) => Ok(config.join("systemd/user/precis.service")),
        None => bail!("HOME is not set, so there is no place for a user's unit"),
    }
}

/// The unit's text. `drain` in `precis up` is shorter than `TimeoutStopSec`.
fn unit(program: &Path, data: &Path, model: Option<&Path>, user: bool) -> Result<String> {
    let model = match model {
        Some(model) => format!(" --model {}", quoted(model)?),
        None => String::new(),
    };
    let target = if user { "default.target" } else { "multi-user.target" };
    Ok(format!(
        "[Unit]\n\
         Description=Precis: documents in, cited summaries out\n\
         After=network-online.target\n\
         Wants=network-online.target\n\
         \n\
         [Service]\n\
         ExecStart={program} up --data {data}{model}\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         TimeoutStopSec=120\n\
         KillMode=mixed\n\
         NoNewPrivileges=yes\n\
         PrivateTmp=yes\n\
         \n\
         [Install]\n\
         WantedBy={target}\n",
        program = quoted(program)?,
        data = quoted(data)?,
    ))
}

/// A path as systemd reads it: quoted, with its own escapes.
fn quoted(path: &Path) -> Result<String> {
    let Some(text) = path.to_str().filter(|text| !text.contains('\n')) else {
        bail!("{} cannot stand in a unit file; choose a plainer path", path.display())
    };
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    Ok(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_and_percent_signs_stays_one_word_in_the_unit() {
        let unit = unit(Path::new("/opt/precis"), Path::new("/srv/a b/100%"), None, false).unwrap();
        assert!(unit.contains("ExecStart=\"/opt/precis\" up --data \"/srv/a b/100%%\"\n"), "{unit}");
    }
}
