//! Reading e-mails as a mail program does.

use std::path::Path;

/// A header (the first of its name, unfolded, not decoded) of a message.
#[must_use]
pub fn header(message: &str, name: &str) -> Option<String> {
    let head =
        message.split("\r\n\r\n").next().unwrap_or(message).replace("\r\n ", " ").replace("\r\n\t", " ");
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// The decoded text of a message of one part.
#[must_use]
pub fn text(message: &str) -> String {
    let body = message.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    match header(message, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64(body),
        _ => body.to_owned(),
    }
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let bytes = joined.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = joined.get(at + 1..at + 3).and_then(|code| u8::from_str_radix(code, 16).ok());
        match (bytes[at], code) {
            (b'=', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn base64(body: &str) -> String {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in body.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.extend(u8::try_from((bits >> held) & 0xff));
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The messages in a folder, by file name.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn outbox(data: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(data.join("outbox")) else { return Vec::new() };
    let mut mails: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.expect("the outbox can be listed").path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            name.ends_with(".eml").then(|| (name, std::fs::read_to_string(&path).expect("mail is ASCII")))
        })
        .collect();
    mails.sort();
    mails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_of_a_body_are_read() {
        let quoted =
            "Subject: a\r\n b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C2=A35 a=\r\nb = c";
        assert_eq!((header(quoted, "subject").as_deref(), text(quoted).as_str()), (Some("a b"), "£5 ab = c"));
        let base = "Content-Transfer-Encoding: base64\r\n\r\nwqM1\r\nIQ==\r\n";
        assert_eq!(text(base), "£5!");
    }
}
