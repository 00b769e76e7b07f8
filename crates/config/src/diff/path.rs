//! Where a value stands below its environment, for programs and in words. Knows no rule.

use std::fmt;

use crate::tree::printable;

/// From a section on: `rollback.when.error_rate`, `alerting.channels[phone]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Segment>);

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The key, or what tells an entry of a list from the others.
    pub(crate) key: String,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// A key of a map.
    Key,
    /// An entry of a list with a name of its own, as people wrote it.
    Named(String),
    /// An entry of a list that is known by what it is or where it stands.
    Entry,
}

impl Path {
    /// The path of a key of the map here.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(key.to_owned(), Form::Key)
    }

    /// The path of an entry of the list here that people called `name`.
    pub(crate) fn named(&self, key: String, name: &str) -> Self {
        self.with(key, Form::Named(name.to_owned()))
    }

    /// The path of any other entry of the list here.
    pub(crate) fn entry(&self, key: String) -> Self {
        self.with(key, Form::Entry)
    }

    fn with(&self, key: String, form: Form) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment { key, form });
        Self(segments)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The list that this is an entry of; none for what is no entry of a list.
    pub(crate) fn list(&self) -> Option<Self> {
        let (last, above) = self.0.split_last()?;
        (last.form != Form::Key).then(|| Self(above.to_vec()))
    }

    /// The last part in words.
    pub(crate) fn last_words(&self) -> String {
        self.0.last().map(Segment::words).unwrap_or_default()
    }

    /// All parts in words.
    pub(crate) fn words(&self) -> String {
        self.0.iter().map(Segment::words).collect::<Vec<_>>().join(" ")
    }
}

impl Segment {
    /// As people say it, fit for a terminal.
    pub(crate) fn words(&self) -> String {
        match &self.form {
            Form::Key => words_of_key(&self.key),
            Form::Named(name) => printable(name),
            Form::Entry => printable(&self.key),
        }
    }
}

/// A key as people say it. Names of variables keep their form.
pub(crate) fn words_of_key(key: &str) -> String {
    if key.contains(|it: char| it.is_ascii_uppercase()) {
        printable(key)
    } else {
        printable(&key.replace('_', " "))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            let key = printable(&segment.key);
            match segment.form {
                Form::Entry => write!(formatter, "[{key}]")?,
                Form::Key | Form::Named(_) if index == 0 => formatter.write_str(&key)?,
                Form::Key | Form::Named(_) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}
