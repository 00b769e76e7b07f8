//! Walks through XML that nobody vouches for. Owns what is refused: entities of its own, depth,
//! masses of attributes, a second root, a missing end. Fetches nothing and expands nothing.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{Stop, Wrong};

/// How deep elements may lie in one another; nested suites of tests take about ten.
const DEPTH_MOST: usize = 128;
/// Attributes of one element; those of test suites are about ten.
const ATTRIBUTES_MOST: usize = 100;
/// After how many steps the stop sign is looked at.
const STEPS: u32 = 1024;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// An element begins.
    Open(Element<'a>),
    /// The last open element ends.
    Close,
    /// Text within an element, or a part of it.
    Text(String),
    /// Nothing does.
    End,
}

/// An element's name without a prefix, and its attributes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    /// Without the prefix of a namespace.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: &'a str,
    offset: usize,
}

impl Element<'_> {
    /// The value of an attribute, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute that counts something; none when it is absent or empty.
    ///
    /// # Errors
    /// When it is something else than a count.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, Wrong> {
        let text = self.get(name).map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| {
            let wrong =
                || self.wrong(format!("`{name}` is `{}`, which is no count", super::short(text)));
            text.parse().map_err(|_| wrong())
        })
        .transpose()
    }

    /// Something that is wrong with this element.
    pub(crate) fn wrong(&self, why: impl Into<String>) -> Wrong {
        Wrong::at(self.text, self.offset, why)
    }
}

/// One document.
pub(crate) struct Xml<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    stop: &'a Stop,
    steps: u32,
    depth: usize,
    had_root: bool,
}

impl<'a> Xml<'a> {
    /// From its beginning.
    pub(crate) fn new(text: &'a str, stop: &'a Stop) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { text, reader, stop, steps: 0, depth: 0, had_root: false }
    }

    /// The next step.
    ///
    /// # Errors
    /// Where it is no XML, or such as is refused here.
    pub(crate) fn step(&mut self) -> Result<Step<'a>, Wrong> {
        loop {
            self.steps += 1;
            if self.steps.is_multiple_of(STEPS) {
                self.stop.check()?;
            }
            let offset = self.offset();
            let event = self.reader.read_event();
            match event
                .map_err(|error| self.wrong(self.reader.error_position(), error.to_string()))?
            {
                Event::Start(start) => return self.open(&start, offset),
                Event::Empty(_) => return Err(self.wrong(offset as u64, "an empty element")),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Step::Close);
                }
                Event::Text(text) if self.depth > 0 => {
                    return Ok(Step::Text(text.into_inner().into()));
                }
                Event::CData(text) if self.depth > 0 => {
                    return Ok(Step::Text(text.into_inner().into()));
                }
                Event::Text(text) if text.trim().is_empty() => {}
                Event::GeneralRef(reference) if self.depth > 0 => {
                    return self.reference(&reference.into_inner(), offset);
                }
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(
                        self.wrong(offset as u64, "there is text outside of its root element")
                    );
                }
                Event::DocType(declared) => self.doctype(&declared, offset)?,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return self.end(),
            }
        }
    }

    /// The outermost element, with which every document begins.
    ///
    /// # Errors
    /// As of [`Self::step`]; and where there is none.
    pub(crate) fn root(&mut self) -> Result<Element<'a>, Wrong> {
        match self.step()? {
            Step::Open(element) => Ok(element),
            Step::Close | Step::Text(_) | Step::End => Err(Wrong::whole("it is empty")),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>, offset: usize) -> Result<Step<'a>, Wrong> {
        let wrong = |why: String| Wrong::at(self.text, offset, why);
        if self.depth == 0 && std::mem::replace(&mut self.had_root, true) {
            return Err(wrong("there is a second root element".to_owned()));
        }
        self.depth += 1;
        if self.depth > DEPTH_MOST {
            return Err(wrong(format!("more than {DEPTH_MOST} elements lie in one another")));
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| wrong(error.to_string()))?;
            if attributes.len() == ATTRIBUTES_MOST {
                return Err(wrong(format!(
                    "more than {ATTRIBUTES_MOST} attributes at one element"
                )));
            }
            // Knows the five entities of XML itself; another one is an error.
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| wrong(error.to_string()))?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        let name = start.local_name().as_ref().to_owned();
        if !is_name(&name) {
            // The parser takes `<<failure/>` for an element of that name, which nobody would look for.
            return Err(wrong(format!("`{}` is no name of an element", super::short(&name))));
        }
        Ok(Step::Open(Element { name, attributes, text: self.text, offset }))
    }

    fn reference(&self, name: &str, offset: usize) -> Result<Step<'a>, Wrong> {
        let whole = format!("&{name};");
        let meant = match name.strip_prefix('#') {
            Some(_) => quick_xml::escape::unescape(&whole).ok().map(std::borrow::Cow::into_owned),
            None => resolve_predefined_entity(name).map(str::to_owned),
        };
        meant.map(Step::Text).ok_or_else(|| {
            self.wrong(offset as u64, format!("`{}` stands for nothing", super::short(&whole)))
        })
    }

    /// A name of a definition elsewhere is passed over, because several writers of Cobertura put it
    /// there; definitions in the file are not, because they can make a small file endless.
    fn doctype(&self, declared: &str, offset: usize) -> Result<(), Wrong> {
        if self.had_root || declared.contains('[') {
            let why = "it declares entities of its own (DOCTYPE), which no report needs";
            return Err(self.wrong(offset as u64, why));
        }
        Ok(())
    }

    fn end(&self) -> Result<Step<'a>, Wrong> {
        if self.depth > 0 {
            let why = format!("it ends too early: {} elements are still open", self.depth);
            return Err(self.wrong(self.text.len() as u64, why));
        }
        if !self.had_root {
            return Err(Wrong::whole("it is empty"));
        }
        Ok(Step::End)
    }

    fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn wrong(&self, offset: u64, why: impl Into<String>) -> Wrong {
        Wrong::at(self.text, usize::try_from(offset).unwrap_or(usize::MAX), why)
    }
}

/// Whether it may be the name of an element, as far as ASCII goes (XML 1.0, section 2.3).
fn is_name(name: &str) -> bool {
    let part = |letter: char| {
        !letter.is_ascii() || letter.is_ascii_alphanumeric() || "_:-.".contains(letter)
    };
    name.chars().all(part)
        && !name.starts_with(|first: char| first.is_ascii_digit() || "-.".contains(first))
        && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str) -> Result<String, Wrong> {
        let stop = Stop::default();
        let mut xml = Xml::new(text, &stop);
        let mut seen = String::new();
        loop {
            match xml.step()? {
                Step::Open(element) => seen.extend(["<", &element.name]),
                Step::Close => seen.push('>'),
                Step::Text(text) => seen.push_str(&text),
                Step::End => return Ok(seen),
            }
        }
    }

    #[test]
    fn what_is_there_is_walked_through_without_prefixes() {
        let text =
            "<?xml version='1.0'?><!-- c --><x:a><b k='1'/>t&amp;&#65;<![CDATA[<&]]></x:a>\n";
        assert_eq!(walk(text).unwrap(), "<a<b>t&A<&>");
        let stop = Stop::default();
        let root = Xml::new("<a k='&lt;x&gt;' n=' 7 ' e=''/>", &stop).root().unwrap();
        assert_eq!((root.get("k"), root.get("x")), (Some("<x>"), None));
        assert_eq!((root.count("n"), root.count("e")), (Ok(Some(7)), Ok(None)));
        assert_eq!(root.count("k").unwrap_err().why, "`k` is `<x>`, which is no count");
    }

    #[test]
    fn a_document_type_elsewhere_is_passed_over_and_never_fetched() {
        let text = "<!DOCTYPE coverage SYSTEM \"http://127.0.0.1:1/coverage-04.dtd\"><coverage/>";
        assert_eq!(walk(text).unwrap(), "<coverage>");
    }

    #[test]
    fn entities_are_never_expanded() {
        let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<a>&b;</a>";
        let wrong = walk(laughs).unwrap_err();
        assert!(wrong.why.contains("entities of its own"), "{wrong:?}");
        let file = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
        assert!(walk(file).unwrap_err().why.contains("entities of its own"));
        assert_eq!(walk("<a>\n &x;</a>").unwrap_err().place, Some((2, 2)));
        assert_eq!(walk("<a>\n &x;</a>").unwrap_err().why, "`&x;` stands for nothing");
        assert!(walk("<a k='&x;'/>").is_err());
    }

    #[test]
    fn what_is_cut_off_or_no_xml_is_told_with_its_place() {
        for text in ["<a><<failure/></a>", "<a><1/></a>", "<a><b&c/></a>", "<a><-/></a>"] {
            let wrong = walk(text).unwrap_err();
            assert!(wrong.why.ends_with("is no name of an element"), "{text}: {wrong:?}");
        }
        assert!(walk("<a><x-1.b_c/><ns:d/><_e/><äß/></a>").is_ok());
        let cut = walk("<a>\n  <b>").unwrap_err();
        assert_eq!(cut.place, Some((2, 6)));
        assert_eq!(cut.why, "it ends too early: 2 elements are still open");
        for wrong in [
            "",
            "  ",
            "{}",
            "<a></b>",
            "<a",
            "<a k='1' k='2'/>",
            "<a/><b/>",
            "<a/>x",
            "x<a/>",
            "</a>",
        ] {
            assert!(walk(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn depth_and_attributes_are_bounded() {
        assert!(walk(&format!("{}{}", "<a>".repeat(128), "</a>".repeat(128))).is_ok());
        let deep = walk(&"<a>".repeat(1_000_000)).unwrap_err();
        assert_eq!(deep.why, "more than 128 elements lie in one another");
        let many = (0..=100).map(|index| format!(" k{index}='1'")).collect::<Vec<_>>().concat();
        let many = walk(&format!("<a{many}/>")).unwrap_err();
        assert_eq!(many.why, "more than 100 attributes at one element");
        let huge = format!("<a k='{}'/>", "x".repeat(5_000_000));
        assert_eq!(walk(&huge).unwrap(), "<a>");
    }

    #[test]
    fn nobody_who_waits_is_nobody_to_read_for() {
        let stop = Stop::default();
        stop.0.store(true, std::sync::atomic::Ordering::Relaxed);
        let text = format!("<a>{}</a>", "<b/>".repeat(5000));
        let mut xml = Xml::new(&text, &stop);
        let wrong = std::iter::repeat_with(|| xml.step()).find_map(Result::err).unwrap();
        assert_eq!(wrong.why, "nobody waits for it any more");
    }
}
