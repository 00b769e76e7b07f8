//! What the rules need to know of Rust source, read from its tokens: functions with their
//! lines, and `mod` lines. Tokens are used instead of a syntax tree because functions and `mod`
//! lines inside macro calls count too. It reads no types and expands nothing.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// Line of `fn`, from 1.
    pub(crate) first_line: usize,
    /// Line of the closing brace.
    pub(crate) last_line: usize,
    /// Whether it carries `#[expect(clippy::too_many_lines, ...)]`.
    pub(crate) is_excepted: bool,
    /// Whether it carries `#[test]`, or another path that ends so, as `#[tokio::test]`.
    pub(crate) is_test: bool,
}

impl Function {
    /// Lines from `fn` to the closing brace, both counted.
    pub(crate) fn lines(&self) -> usize {
        self.last_line - self.first_line + 1
    }
}

/// Another file that a file pulls in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inclusion {
    /// `mod name;`, inside the inline modules `within`.
    Module {
        /// Names of the inline modules around it, outermost first.
        within: PathBuf,
        /// The module's name.
        name: String,
    },
    /// `#[path = "..."] mod name;` or `include!("...")`: relative to the directory of the file.
    Path(PathBuf),
}

/// Every function with a body, nested ones included, in the order of the text.
pub(crate) fn functions(stream: TokenStream) -> Vec<Function> {
    let mut found = Vec::new();
    collect_functions(stream, &mut found);
    found
}

/// Every other file that these tokens pull in.
pub(crate) fn inclusions(stream: TokenStream) -> Vec<Inclusion> {
    let mut found = Vec::new();
    collect_inclusions(stream, Path::new(""), &mut found);
    found
}

fn collect_functions(stream: TokenStream, found: &mut Vec<Function>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            collect_functions(group.stream(), found);
        }
        // `fn` before a parenthesis is the type of a function pointer.
        let name = tokens.get(index + 1).and_then(identifier);
        let (true, Some(name)) = (is_word(token, "fn"), name) else { continue };
        if let Some(body) = body(&tokens[index + 2..]) {
            let attributes = attributes(&tokens[..index]);
            found.push(Function {
                name,
                first_line: token.span().start().line,
                last_line: body.span_close().end().line,
                is_excepted: attributes.iter().any(is_exception),
                is_test: attributes.iter().any(is_test),
            });
        }
    }
    found.sort_by_key(|function| function.first_line);
}

/// The brace that closes a signature; `None` when a `;` comes first. A brace with `>` or `,`
/// behind it is the argument of a constant parameter.
fn body(after_name: &[TokenTree]) -> Option<&Group> {
    for (index, token) in after_name.iter().enumerate() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ';' => return None,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let next = after_name.get(index + 1);
                if !next.is_some_and(|next| is_mark(next, '>') || is_mark(next, ',')) {
                    return Some(group);
                }
            }
            _ => {}
        }
    }
    None
}

/// The attributes straight before an item whose keyword follows `before`, nearest first.
fn attributes(before: &[TokenTree]) -> Vec<Group> {
    const QUALIFIERS: &[&str] = &["pub", "async", "const", "unsafe", "extern", "default"];
    let mut found = Vec::new();
    let mut rest = before;
    while let Some((last, head)) = rest.split_last() {
        match last {
            TokenTree::Ident(word) if QUALIFIERS.iter().any(|known| word == known) => rest = head,
            TokenTree::Literal(_) => rest = head,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => rest = head,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                let Some((hash, head)) = head.split_last() else { break };
                if !is_mark(hash, '#') {
                    break;
                }
                found.push(group.clone());
                rest = head;
            }
            _ => break,
        }
    }
    found
}

fn is_exception(attribute: &Group) -> bool {
    let text = attribute.stream().to_string();
    text.starts_with("expect") && text.contains("too_many_lines")
}

/// Whether the attribute's path ends in `test`.
fn is_test(attribute: &Group) -> bool {
    let words =
        attribute.stream().into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    words.last().is_some_and(|last| is_word(&last, "test"))
}

fn collect_inclusions(stream: TokenStream, within: &Path, found: &mut Vec<Inclusion>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut index = 0;
    while index < tokens.len() {
        let rest = &tokens[index..];
        match rest {
            [word, name, TokenTree::Group(inline), ..] if is_word(word, "mod") => {
                let Some(name) = identifier(name) else { break };
                collect_inclusions(inline.stream(), &within.join(name), found);
                index += 3;
                continue;
            }
            [word, name, end, ..] if is_word(word, "mod") && is_mark(end, ';') => {
                let Some(name) = identifier(name) else { break };
                let path = attributes(&tokens[..index]).iter().find_map(path_attribute);
                let module = Inclusion::Module { within: within.to_path_buf(), name };
                found.push(path.map_or(module, Inclusion::Path));
            }
            [word, bang, TokenTree::Group(argument), ..]
                if is_word(word, "include") && is_mark(bang, '!') =>
            {
                let path = argument.stream().into_iter().next().as_ref().and_then(text_literal);
                found.extend(path.map(|path| Inclusion::Path(path.into())));
            }
            [TokenTree::Group(group), ..] => collect_inclusions(group.stream(), within, found),
            _ => {}
        }
        index += 1;
    }
}

fn path_attribute(attribute: &Group) -> Option<PathBuf> {
    let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match tokens.as_slice() {
        [word, equals, path] if is_word(word, "path") && is_mark(equals, '=') => {
            text_literal(path).map(PathBuf::from)
        }
        _ => None,
    }
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == mark)
}

fn identifier(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(found) => Some(found.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

fn text_literal(token: &TokenTree) -> Option<String> {
    let text = token.to_string();
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TokenStream {
        text.parse().unwrap()
    }

    #[test]
    fn functions_are_counted_from_the_keyword_to_the_closing_brace() {
        let found = functions(parse(
            "/// Doc.\n#[inline]\npub(crate) async fn one(\n  a: fn(u8) -> u8,\n) -> u8 {\n 1\n}\n\
             trait T { fn without(&self); }\nproptest! { fn two() {\n} }\n",
        ));
        let seen: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.lines())).collect();
        assert_eq!(seen, [("one", 5), ("two", 2)]);
    }

    #[test]
    fn a_brace_in_a_constant_argument_is_not_the_body() {
        let found = functions(parse("fn one() -> Grid<{ 1 }, u8> {\n\n}"));
        assert_eq!(found[0].lines(), 3);
    }

    #[test]
    fn an_exception_is_seen_through_the_qualifiers() {
        let excepted =
            "#[expect(clippy::too_many_lines, reason = \"a table\")] pub async fn a() {}";
        assert!(functions(parse(excepted))[0].is_excepted);
        assert!(!functions(parse("#[expect(dead_code)] fn a() {}"))[0].is_excepted);
    }

    #[test]
    fn a_test_is_told_from_another_function() {
        let found = functions(parse(
            "#[test] fn a() {} #[tokio::test(start_paused = true)] #[ignore = \"heavy\"] async fn b() {} \
             #[cfg(test)] fn c() {} fn test() {} proptest! { #[test] fn d(x in 0..1) {} }",
        ));
        let seen: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.is_test)).collect();
        let wanted = [("a", true), ("b", true), ("c", false), ("test", false), ("d", true)];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn modules_are_found_inline_by_path_and_inside_macros() {
        let found = inclusions(parse(
            "mod a; pub(crate) mod outer { mod b; } #[path = \"x/c.rs\"] mod c; \
             choose! { mod d; } include!(\"e.rs\");",
        ));
        let module = |within: &str, name: &str| Inclusion::Module {
            within: within.into(),
            name: name.to_owned(),
        };
        assert_eq!(
            found,
            [
                module("", "a"),
                module("outer", "b"),
                Inclusion::Path("x/c.rs".into()),
                module("", "d"),
                Inclusion::Path("e.rs".into()),
            ]
        );
    }
}
