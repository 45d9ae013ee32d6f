//! What stands beside the matter of a document: read and counted, neither ranked nor said.
//!
//! A cookie notice, the small print of a company under its letters, the warning under an e-mail and the name under
//! a greeting say nothing about *this* document. Each is known by words that rarely stand anywhere else, and by its
//! place. A document that consists of them is about them, and keeps them.

use super::{Kind, edges};
use crate::cues;
use crate::words::count_words;
use domain::text::{Line, Origin, Page, Pages, Role};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Words of a cookie notice, of a legal footer and of a disclaimer at most.
const NOTICE: usize = 120;
const FOOTER: usize = 80;
const DISCLAIMER: usize = 250;
/// Paragraphs from the top or the bottom of a page between which no legal footer stands.
const AT_EDGE: usize = 4;
/// Lines under a greeting that may belong to a signature, and words of each.
const SIGNED: usize = 8;
const NAME: usize = 12;
/// Words of the line with the greeting.
const GREETING: usize = 8;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a fixed pattern")
}

static COOKIE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bcookies?\b|файл\w* cookie"));
static CONSENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:accept\w*|agree|consent\w*|reject\w*|decline|allow|manage|preferences|settings|we use|uses?|using|akzeptier\w*|zustimm\w*|einwillig\w*|verwende\w*|nutzen|ablehnen|accept(?:er|ez|ons)|utilis\w*|refuser|acept\w*|rechazar|utiliza\w*|usamos|accett\w*|utilizz\w*|gebruik\w*|weigeren|используе\w*|соглас\w*)\b",
    )
});
static WEB: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:web ?sites?|sites?|browsers?|browsing|experience|privacy|analytics|traffic|third[- ]party|web ?seiten?|datenschutz\w*|navigation|confidentialité|expérience|sitio|navegaci\w*|privacidad|sito|navigazione|privacybeleid|сайт\w*)\b",
    )
});
static DISCLAIMS: LazyLock<Regex> = LazyLock::new(|| {
    let mail = r"(?:e-?mails?|message|communication|transmission|fax)";
    let own = format!(
        r"\bthis {mail}\b[^.]{{0,160}}\b(?:confidential|privileged|intended (?:solely|only|exclusively)|for the (?:sole|exclusive) use)"
    );
    let meant = r"\bintended (?:solely |only |exclusively )?for (?:the )?(?:sole )?(?:use of )?(?:the )?(?:named |intended )?(?:addressees?|recipients?|individual)\b";
    let astray = r"\bnot the (?:intended |named )?(?:recipient|addressee)\b|\breceived (?:this|it|the) ?(?:e-?mail|message|communication|transmission|letter)? in error\b";
    let paper = r"\bconsider the environment before print|\bthink before you print\b";
    let machine = r"^sent from my \w+|^\[?external(?: e-?mail)?\]?:|\be?-?mail originated (?:from )?outside\b|\bto unsubscribe\b|\bunsubscribe (?:here|from (?:this|our|these))\b";
    let german = r"\bdiese (?:e-?mail|nachricht)\b[^.]{0,120}\b(?:vertraulich|rechtlich geschützt)|\bnicht der (?:richtige|beabsichtigte|vorgesehene) (?:adressat|empfänger)|\birrtümlich erhalten\b";
    let french = r"\bce (?:message|courriel|mail)\b[^.]{0,120}\b(?:confidentiel|exclusi)|\bpas le destinataire\b|\b(?:message|courriel) par erreur\b";
    let spanish = r"\beste (?:mensaje|correo)\b[^.]{0,120}\bconfidencial|\bno es (?:usted )?el destinatario\b|\b(?:mensaje|correo)(?: electrónico)? por error\b";
    let others = r"\bquesto messaggio\b[^.]{0,120}\b(?:riservat|confidenzial)|\bdit (?:bericht|e-mailbericht)\b[^.]{0,120}\bvertrouwelijk|это (?:письмо|сообщение)\b[^.]{0,120}\bконфиденциальн";
    cues::latin(&format!(
        r"(?i){own}|{meant}|{astray}|{paper}|{machine}|{german}|{french}|{spanish}|{others}"
    ))
});
static COMPANY: LazyLock<Regex> = LazyLock::new(|| {
    cues::latin(
        r"(?i)\bregistered (?:office|in|company)\b|\bcompany (?:registration )?(?:no|number)\b|\breg(?:istration|\.)? ?no\b|\bVAT(?: reg\w*)?(?: no| number| id)?\.?:? ?[A-Z]{2}|\bHRB? ?\d|\bamtsgericht\b|\bhandelsregister\b|\bUSt-?Id|\bSIRET\b|\bRCS [A-Z]|\bau capital (?:social )?de\b|\bKvK\b|\bP\. ?IVA\b|\btrading name of\b|\bauthori[sz]ed (?:and regulated )?by the\b|\ball rights reserved\b|\balle rechte vorbehalten\b|\btous droits réservés\b|\btodos los derechos reservados\b|\berrors and omissions excepted\b",
    )
});
static COPYRIGHT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^(?:©|\(c\)|copyright(?: ©| \(c\))?) ?\d{4}"));
/// What a footer does not say: it defines no terms and obliges nobody.
static BINDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)\(?(?:the|hereinafter) ?["“']|["”]\)|\b(?:shall|must|hereby|between)\b"#)
});
static GREETS: LazyLock<Regex> = LazyLock::new(|| {
    let english = r"yours (?:sincerely|faithfully|truly|ever)|(?:with )?(?:many |our |my )?(?:kind(?:est)?|best|warm(?:est)?) (?:regards|wishes)";
    let short = r"(?:regards|best|cheers|sincerely(?: yours)?|respectfully(?: yours| submitted)?)(?:[.!]?$|,\s*(?:\S+\s*){0,3}$)";
    let german = "mit (?:freundlichen|besten|herzlichen) grüßen|(?:freundliche|beste|viele|herzliche|liebe) grüße|hochachtungsvoll";
    let roman = "(?:bien )?cordialement|salutations(?: distinguées)?|bien à vous|veuillez agréer|atentamente|(?:un )?(?:cordial )?saludos?(?: cordiales)?|(?:distinti|cordiali) saluti|atenciosamente|com os melhores cumprimentos";
    let others = "met vriendelijke groet(?:en)?|с уважением|с наилучшими пожеланиями|z poważaniem|med vänliga hälsningar|مع (?:أطيب|خالص) التحيات|ขอแสดงความนับถือ|敬具|此致|顺颂商祺";
    pattern(&format!(r"(?i)^(?:{short}|(?:{english}|{german}|{roman}|{others})(?:\s*[,.!،]|\s|$))"))
});
/// What goes on after a signature, in lines as short as its own.
static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^(?:p\.? ?s\.?|encl|enclosures?|attach|annex|anlagen?|cc)\b|\b(?:accept|agree|confirm)")
});
/// A sentence rather than a name or an address.
static SPEAKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:is|are|was|were|will|must|shall|please|has|have|may|can|we|you|ist|sind|wird|bitte|est|sont)\b",
    )
});

/// The kind of each line that stands aside, page by page; `None` for what belongs to the matter.
pub(super) fn kinds(pages: &Pages) -> Vec<Vec<Option<Kind>>> {
    let of_role = |line: &Line| match line.role {
        Role::Code => Some(Kind::Code),
        Role::Furniture => Some(Kind::Furniture),
        _ => None,
    };
    let mut kinds: Vec<Vec<Option<Kind>>> =
        pages.pages.iter().map(|page| page.lines.iter().map(of_role).collect()).collect();
    edges::mark(pages, &mut kinds);
    keep_what_is_most(pages, &mut kinds);
    for (page, kinds) in pages.pages.iter().zip(&mut kinds).filter(|(page, _)| page.origin != Origin::Unread)
    {
        mark_notices(page, kinds);
        mark_signatures(page, kinds);
    }
    keep_what_is_most(pages, &mut kinds);
    kinds
}

/// What makes up more than half of a document is its matter.
fn keep_what_is_most(pages: &Pages, kinds: &mut [Vec<Option<Kind>>]) {
    let told = |kind: Option<Kind>| kind.is_some_and(Kind::is_told_by_words);
    let (mut aside, mut matter) = (0, 0);
    for (line, kind) in pages.pages.iter().zip(&*kinds).flat_map(|(page, kinds)| page.lines.iter().zip(kinds))
    {
        let words = count_words(&line.text);
        match kind {
            Some(_) if told(*kind) => aside += words,
            None => matter += words,
            Some(_) => {}
        }
    }
    if aside > matter {
        kinds.iter_mut().flatten().filter(|kind| told(**kind)).for_each(|kind| *kind = None);
    }
}

/// Runs of lines of one paragraph.
fn paragraphs(page: &Page, kinds: &[Option<Kind>]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (at, line) in page.lines.iter().enumerate().filter(|(at, _)| kinds[*at].is_none()) {
        match out.last_mut() {
            Some(last) if last.end == at && page.lines[last.start].paragraph == line.paragraph => {
                last.end += 1
            }
            _ => out.push(at..at + 1),
        }
    }
    out
}

fn mark_notices(page: &Page, kinds: &mut [Option<Kind>]) {
    let paragraphs = paragraphs(page, kinds);
    for (number, range) in paragraphs.iter().enumerate() {
        let lines = &page.lines[range.clone()];
        if !lines.iter().all(|line| matches!(line.role, Role::Body | Role::Item | Role::Quote)) {
            continue;
        }
        let text = lines.iter().map(|line| line.text.trim()).collect::<Vec<_>>().join(" ");
        let at_edge = number < AT_EDGE || number + AT_EDGE >= paragraphs.len();
        if let Some(kind) = notice(&text, at_edge) {
            kinds[range.clone()].fill(Some(kind));
        }
    }
}

/// What a paragraph is, if it is a notice.
fn notice(text: &str, at_edge: bool) -> Option<Kind> {
    let words = count_words(text);
    if words > DISCLAIMER {
        return None;
    }
    if words <= NOTICE && COOKIE.is_match(text) && CONSENT.is_match(text) && WEB.is_match(text) {
        return Some(Kind::CookieNotice);
    }
    if DISCLAIMS.is_match(text) {
        return Some(Kind::Disclaimer);
    }
    let footer = words <= FOOTER && (at_edge && COMPANY.is_match(text) || COPYRIGHT.is_match(text));
    let told = || cues::DATE.is_match(text) || cues::MONEY.is_match(text) || BINDS.is_match(text);
    (footer && !told()).then_some(Kind::LegalFooter)
}

/// A greeting, and the name, office and address under it; or what stands under the two dashes of a mail.
fn mark_signatures(page: &Page, kinds: &mut [Option<Kind>]) {
    let mut at = 1;
    while at < page.lines.len() {
        let text = page.lines[at].text.trim();
        let dashes = text == "--";
        let greets = GREETS.is_match(text) && count_words(text) <= GREETING && !cues::DATE.is_match(text);
        if kinds[at].is_some() || page.lines[at].role == Role::Quote || !(dashes || greets) {
            at += 1;
            continue;
        }
        kinds[at] = Some(Kind::Signature);
        let end = page.lines.len().min(at + 1 + SIGNED);
        at += 1;
        while at < end && kinds[at].is_none() && signs(&page.lines[at]) {
            kinds[at] = Some(Kind::Signature);
            at += 1;
        }
    }
}

/// Whether a line under a greeting is a name, an office or an address.
fn signs(line: &Line) -> bool {
    let text = line.text.trim();
    matches!(line.role, Role::Body | Role::Item)
        && count_words(text) <= NAME
        && !text.ends_with([':', ';', '?', '!', '。'])
        && (count_words(text) <= 4 || !text.ends_with('.'))
        && !cues::DATE.is_match(text)
        && !cues::MONEY.is_match(text)
        && !GOES_ON.is_match(text)
        && !SPEAKS.is_match(text)
}

#[cfg(test)]
#[path = "aside_tests.rs"]
mod tests;
