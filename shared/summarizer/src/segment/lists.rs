//! Words after which a full stop may not be the end.

/// After these a full stop never ends a sentence.
pub(super) const ABBREVIATIONS: &[&str] = &[
    // Latin and English
    "e.g", "i.e", "vs", "cf", "figs", "dr", "mr", "mrs", "ms", "prof", "nos", "nr", "secs", "eq", "al", "viz",
    "approx", "resp", "ca", "vol", "vols", "pp", "p", "ed", "eds", "incl", "excl", "esp", "arts", "paras",
    "reg", "regs", "messrs", "hon", "rev", "gen", "col", "lt", "sgt", "capt", "dept", "est", "ext", "tel",
    "attn", "ch", "chap", "cl", "p.s", "n.b", // German
    "z.b", "d.h", "bzw", "vgl", "u.a", "abs", "str", "rn", "hr", "inkl", "zzgl", "bspw", "ggf", "geb",
    "ziff", // French, Spanish, Italian, Dutch, Polish
    "mme", "mlle", "sr", "sra", "srta", "dra", "ud", "uds", "ee", "pág", "págs", "núm", "avda", "sig",
    "dott", "dhr", "mevr", "blz", "ul", "ust", "poz", // Russian
    "ул", "стр", "гл", "рис", "табл", "проф", "акад", "напр", // Months
    "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "okt", "nov", "dec", "dez",
];
/// The same before a number or a letter that counts; they are words too.
pub(super) const NUMBERED: &[&str] = &["no", "art", "fig", "sec", "para", "ref", "max", "min"];
/// After these it ends one only when the next word is one that opens sentences.
pub(super) const MAYBE: &[&str] = &[
    "inc", "jr", "ltd", "co", "corp", "plc", "llc", "bros", "esq", "st", "a.m", "p.m", "u.s", "u.k", "e.u",
    "u.n",
];
/// Words that open a sentence, and rarely stand inside one with a capital.
pub(super) const OPENERS: &[&str] = &[
    "the", "a", "an", "in", "it", "this", "that", "these", "those", "he", "she", "we", "they", "you", "i",
    "if", "for", "on", "at", "as", "but", "and", "or", "when", "where", "while", "however", "there",
    "please", "all", "any", "each", "no", "our", "your", "their", "his", "her", "its", "to", "after",
    "before", "since", "because", "with", "from", "by", "under", "both", "such", "although", "also", "then",
    "thus", "so", "nobody", "nothing", "neither", "never", "not", "what", "who", "one", "some", "most",
];
/// The same in other languages; parts of names too ("De Vries", "La Rue"), so not after initials.
pub(super) const ARTICLES: &[&str] = &[
    "der", "die", "das", "ein", "eine", "er", "sie", "es", "wir", "im", "am", "le", "la", "les", "un", "une",
    "il", "elle", "nous", "el", "los", "las", "una", "lo", "gli", "de", "het", "een",
];
/// A single letter after these is a label ("plan B", "Appendix A"), not an initial.
pub(super) const LABELLED: &[&str] = &[
    "plan", "appendix", "annex", "annexe", "schedule", "exhibit", "vitamin", "type", "class", "category",
    "grade", "section", "part", "group", "option", "figure", "table", "point", "item", "room", "building",
    "block", "zone", "phase", "anlage", "anhang", "teil", "annexe", "anexo", "was", "is", "were", "are",
    "am",
];
/// What an ordinal with a full stop counts in German ("im 19. Jahrhundert", "der 3. Mai").
pub(super) const COUNTED: &[&str] = &[
    "januar",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "january",
    "february",
    "march",
    "may",
    "june",
    "july",
    "october",
    "december",
    "jan",
    "feb",
    "mär",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "okt",
    "oct",
    "nov",
    "dez",
    "dec",
    "jahrhundert",
    "jahrestag",
    "geburtstag",
    "lebensjahr",
    "quartal",
    "halbjahr",
    "etage",
    "stock",
    "klasse",
    "auflage",
    "sitzung",
    "semester",
    "weltkrieg",
    "kapitel",
    "mal",
    "fc",
];
