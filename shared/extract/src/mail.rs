//! Mail: the message as the first page, its attachments as the pages after it.
//!
//! The subject is the title. Sender and date are lines of their own above the body: readers ask for them.
//! What a reply quotes of earlier messages is marked as quoted. An attachment is read like a document, out
//! of the same budget; one that cannot be read is a page that says so.

use crate::flow::Flow;
use crate::reader::{Job, read_part};
use crate::reading::unread;
use crate::{PageReading, ReadError, html, plain};
use domain::reason::Reason;
use domain::text::{Line, Page, Role};
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

type Parts = (Option<String>, Vec<PageReading>);

pub(crate) fn read(bytes: &[u8], job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| ReadError::damaged("its header cannot be read"))?;
    let mut flow = Flow::default();
    write_head(&message, &mut flow);
    write_body(&message, &mut flow);
    let mut pages = flow.finish();
    pages.iter_mut().for_each(mark_quotes);
    read_attachments(&message, job, &mut pages)?;
    Ok((message.subject().map(str::to_owned), pages))
}

fn write_head(message: &Message<'_>, flow: &mut Flow) {
    let mut lines = Vec::new();
    for (field, people) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        let names = people.map(names).unwrap_or_default();
        if !names.is_empty() {
            lines.push(format!("{field}: {names}"));
        }
    }
    if let Some(date) = message.date() {
        lines.push(format!("Date: {}", date.to_rfc822()));
    }
    if let Some(subject) = message.subject() {
        lines.push(format!("Subject: {subject}"));
    }
    flow.block(Role::Body, &lines.join("\n"));
}

fn names(people: &Address<'_>) -> String {
    let shown = people.iter().filter_map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address).map(str::to_owned),
    });
    shown.take(20).collect::<Vec<_>>().join(", ")
}

/// The text form if the message has one worth reading, else its HTML.
fn write_body(message: &Message<'_>, flow: &mut Flow) {
    let text: String = message
        .text_bodies()
        .filter_map(|part| match &part.body {
            PartType::Text(text) => Some(text.as_ref()),
            _ => None,
        })
        .collect::<Vec<_>>()
        .join("\n\n");
    let hypertext: Vec<&str> = message
        .html_bodies()
        .filter_map(|part| match &part.body {
            PartType::Html(html) => Some(html.as_ref()),
            _ => None,
        })
        .collect();
    // Some programs put only "this message is in HTML" into the text form.
    if text.split_whitespace().count() < 15 && !hypertext.is_empty() {
        for part in &hypertext {
            html::write(part, flow);
        }
        if !flow.is_empty() {
            return;
        }
    }
    plain::write(&text, flow);
}

/// Everything after "On … wrote:" or "-----Original Message-----" is history, also where it is not marked
/// line by line.
fn mark_quotes(page: &mut PageReading) {
    let PageReading::Read(Page { lines, .. }) = page else { return };
    let start = lines
        .iter()
        .enumerate()
        .skip(1)
        .find_map(|(at, line)| begins_history(line, lines.get(at + 1)).then_some(at));
    if let Some(start) = start {
        for line in lines.iter_mut().skip(start) {
            line.role = Role::Quote;
        }
    }
}

fn begins_history(line: &Line, next: Option<&Line>) -> bool {
    let text = line.text.trim();
    let lower = text.to_lowercase();
    let dashed = text.starts_with("-----") || text.starts_with("_____");
    let intro = ["on ", "am ", "le ", "el ", "il "].iter().any(|word| lower.starts_with(word))
        && ["wrote:", "schrieb:", "\u{e9}crit :", "\u{e9}crit:", "escribi\u{f3}:", "scritto:"]
            .iter()
            .any(|word| lower.ends_with(word));
    (dashed
        && ["original message", "urspr\u{fc}ngliche nachricht", "message d'origine", "mensaje original"]
            .iter()
            .any(|it| lower.contains(it)))
        || (intro
            && next.is_some_and(|next| {
                next.role == Role::Quote || line.text.contains('@') || lower.contains(':')
            }))
}

fn read_attachments(
    message: &Message<'_>,
    job: &mut Job<'_>,
    pages: &mut Vec<PageReading>,
) -> Result<(), ReadError> {
    for (index, part) in message.attachments().enumerate() {
        if is_decoration(part) {
            continue;
        }
        let name = name_of(part, index);
        let taken = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        if job.budget.attachments == 0 {
            return Err(ReadError::limit("the mail has more attachments than are allowed"));
        }
        job.budget.attachments -= 1;
        let read = match contents(part) {
            Some(bytes) if job.depth < job.limits.attachment_depth => read_one(bytes, &name, index, job),
            Some(_) => Err(ReadError::limit("mail is attached to mail too many times over")),
            None => continue,
        };
        match read {
            Ok(inner) => pages.extend(inner.into_iter().map(|page| page.moved(taken, Some(&name)))),
            // One attachment that cannot be read must not cost the message; a limit of the whole must.
            Err(error) if !error.is_permanent() || error.reason() == Reason::TooManyPages => {
                return Err(error);
            }
            Err(error) => {
                let note = format!("{} ({error})", error.reason().explanation().trim_end_matches('.'));
                pages.push(unread(1, note).moved(taken, Some(&name)));
            }
        }
        if pages.len() > job.limits.max_pages as usize {
            return Err(ReadError::too_many_pages(pages.len(), job.limits.max_pages));
        }
    }
    Ok(())
}

fn read_one(
    bytes: Vec<u8>,
    name: &str,
    index: usize,
    job: &mut Job<'_>,
) -> Result<Vec<PageReading>, ReadError> {
    let mut inner = Job {
        out_dir: job.out_dir,
        limits: job.limits,
        prefix: format!("{}a{index}-", job.prefix),
        depth: job.depth + 1,
        budget: &mut *job.budget,
        progress: &mut *job.progress,
    };
    Ok(read_part(bytes, name, &mut inner)?.pages)
}

fn contents(part: &MessagePart<'_>) -> Option<Vec<u8>> {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => Some(text.as_bytes().to_vec()),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => Some(bytes.to_vec()),
        PartType::Message(message) => Some(message.raw_message().to_vec()),
        PartType::Multipart(_) => None,
    }
}

/// Signatures of machines, and the pictures of a letterhead: attached, but no documents.
fn is_decoration(part: &MessagePart<'_>) -> bool {
    let subtype =
        part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default().to_ascii_lowercase();
    let signature =
        matches!(subtype.as_str(), "pgp-signature" | "pkcs7-signature" | "x-pkcs7-signature" | "pgp-keys");
    let small = part.content_id().is_some()
        && part.content_type().is_some_and(|kind| kind.ctype() == "image")
        && part.len() < 30_000;
    signature || small
}

fn name_of(part: &MessagePart<'_>, index: usize) -> String {
    let stated = part.attachment_name().map(crate::text::clean).filter(|name| !name.is_empty());
    stated.unwrap_or_else(|| match &part.body {
        PartType::Message(message) => {
            message.subject().map_or_else(|| format!("message {}", index + 1), crate::text::clean)
        }
        _ => format!("attachment {}", index + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, read_in_process};
    use domain::text::Origin;

    fn read_mail(source: &str) -> crate::Reading {
        let folder = tempfile::tempdir().unwrap();
        read_in_process(
            source.as_bytes().to_vec(),
            "x.eml",
            folder.path(),
            &Limits::default(),
            &mut |_, _| {},
        )
        .unwrap()
    }

    const WITH_ATTACHMENTS: &str = "From: Anna Berg <anna@example.org>\r\nTo: b@example.org\r\n\
        Subject: =?utf-8?q?Pr=C3=BCfung?=\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
        Dear B,\r\n\r\nplease see below.\r\n\r\n> you asked\r\n> for it\r\n--B\r\n\
        Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nthe notes\r\n--B\r\n\
        Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=blob.bin\r\n\r\nAAECAwQFBgcICQ==\r\n--B--\r\n";

    #[test]
    fn the_subject_is_the_title_and_attachments_follow_as_pages() {
        let reading = read_mail(WITH_ATTACHMENTS);
        assert_eq!(reading.title.as_deref(), Some("Pr\u{fc}fung"));
        let pages: Vec<_> = reading
            .pages
            .iter()
            .map(|page| match page {
                PageReading::Read(page) => page,
                PageReading::NeedsOcr { .. } => unreachable!(),
            })
            .collect();
        assert_eq!(pages.iter().map(|page| page.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(pages[1].attachment.as_deref(), Some("notes.txt"));
        assert_eq!(pages[1].lines[0].text, "the notes");
        assert_eq!((pages[2].origin, pages[2].attachment.as_deref()), (Origin::Unread, Some("blob.bin")));
        assert!(pages[2].note.as_deref().unwrap().contains("does not read"));
        assert!(pages[0].lines.iter().any(|line| line.text == "From: Anna Berg <anna@example.org>"));
        assert_eq!(pages[0].lines.iter().filter(|line| line.role == Role::Quote).count(), 2);
    }

    #[test]
    fn history_below_an_original_message_line_is_quoted() {
        let reading = read_mail(
            "From: a@example.org\r\nSubject: x\r\n\r\nI agree.\r\n\r\n-----Original Message-----\r\nFrom: c\r\n\r\nOld text.\r\n",
        );
        let PageReading::Read(page) = &reading.pages[0] else { unreachable!() };
        let role = |text: &str| page.lines.iter().find(|line| line.text == text).map(|line| line.role);
        assert_eq!(role("I agree."), Some(Role::Body));
        assert_eq!(role("Old text."), Some(Role::Quote));
    }

    #[test]
    fn mail_inside_mail_ends_at_the_depth_that_is_allowed() {
        let mut message = "From: a@example.org\r\nSubject: innermost\r\n\r\nwords\r\n".to_owned();
        for depth in 0..6 {
            message = format!(
                "From: a@example.org\r\nSubject: {depth}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B{depth}\r\n\r\n\
                 --B{depth}\r\nContent-Type: text/plain\r\n\r\nlevel {depth}\r\n--B{depth}\r\nContent-Type: message/rfc822\r\n\
                 Content-Disposition: attachment\r\n\r\n{message}\r\n--B{depth}--\r\n"
            );
        }
        let reading = read_mail(&message);
        assert_eq!(reading.pages.len(), 5);
        let PageReading::Read(last) = &reading.pages[4] else { unreachable!() };
        assert_eq!(last.origin, Origin::Unread);
    }
}
