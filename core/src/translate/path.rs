//! Paths into JSON documents: `$.a."b c"[0][#-1]`.

use super::member::Step;

/// The steps of a path; `None` for one that is more than members and places.
pub(super) fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix(".\"") {
            let (label, tail) = quoted.split_once('"')?;
            steps.push(Step::Label(plain_label(label)?));
            rest = tail;
        } else if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (label, tail) = name.split_at(end);
            steps.push(Step::Label(plain_label(label)?));
            rest = tail;
        } else {
            let (index, tail) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(place(index)?);
            rest = tail;
        }
    }
    Some(steps)
}

fn plain_label(label: &str) -> Option<String> {
    (!label.is_empty() && !label.contains(['"', '\\'])).then(|| label.to_string())
}

fn place(index: &str) -> Option<Step> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match index.strip_prefix("#-") {
        Some(back) if digits(back) => back.parse::<i32>().ok().filter(|n| *n > 0).map(|n| Step::Index(-n)),
        None if digits(index) => index.parse::<i32>().ok().map(Step::Index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let label = |l: &str| Step::Label(l.into());
        assert_eq!(steps("$"), Some(vec![]));
        assert_eq!(
            steps("$.a.\"b c\"[0][#-2].d-e"),
            Some(vec![label("a"), label("b c"), Step::Index(0), Step::Index(-2), label("d-e")])
        );
        for odd in [
            "",
            "a",
            "$a",
            "$.",
            "$[",
            "$[#]",
            "$[#-0]",
            "$[-1]",
            "$[99999999999]",
            "$.\"a",
            "$[*]",
            "$..a",
            "$.\"\"",
            "$. \"a\\\"b\"",
        ] {
            assert_eq!(steps(odd), None, "{odd}");
        }
    }
}
