//! Who wrote a summary, said wherever it is shown.

use crate::clean::{clean, clip};
use crate::wrap::wrap;
use domain::summary::{Summary, Writing};

/// Whose words the sentences are, where a model was asked to write; else nothing. Ends with a line break.
pub(crate) fn writing(summary: &Summary) -> String {
    match summary.writing.as_ref().map(by_whom) {
        Some((label, line)) => wrap(label, "  ", &line) + "\n",
        None => String::new(),
    }
}

/// `Written: ` or `Not written: ` and what there is to say.
pub(crate) fn by_whom(writing: &Writing) -> (&'static str, String) {
    if let Some(why) = &writing.instead {
        let why = clip(&clean(why), 200, "…");
        return ("Not written: ", format!("{why}. The sentences are the document's own."));
    }
    let model = clip(&clean(writing.model.as_deref().unwrap_or("a model")), 60, "…");
    let mut line = match writing.generated.len() {
        0 => format!("no sentence is in the words of {model}"),
        1 => format!("1 sentence is in the words of {model}, checked against the pages named"),
        n => format!("{n} sentences are in the words of {model}, each checked against the pages named"),
    };
    line.push_str(match writing.replaced {
        0 => "",
        1 => "; one that failed the check gave way to the document's own",
        _ => "; those that failed the check gave way to the document's own",
    });
    ("Written: ", line + ".")
}
