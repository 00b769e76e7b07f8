//! Tokens, in words. Shows a secret once, to whoever created it.

use towpath_core::ids::TokenId;
use towpath_core::reason::Next;
use towpath_engine::views::TokenView;
use towpath_server::requests::TokenAnswer;

use crate::report::block::{next, table};
use crate::report::style::{Style, Symbol, counted};

/// The secret alone on stdout, so that a script can keep it; the rest beside it.
pub(crate) fn created(answer: &TokenAnswer, style: &Style) -> (String, String) {
    let mark = style.symbol(Symbol::Passed);
    let said = format!(
        "{mark} token {} of {}, {}, until {}; it is not shown again\n",
        answer.name,
        answer.owner,
        answer.id,
        style.minute(&answer.expires_at)
    );
    let commands = [
        Next::new("TOWPATH_TOKEN=… towpath status", "acts by it; or --token-file FILE"),
        Next::new(format!("towpath token revoke {}", answer.id), "ends it at once"),
    ];
    (format!("{}\n", answer.token), said + &next(&commands))
}

/// The list, and how one is ended.
pub(crate) fn list(all: &[TokenView], style: &Style) -> (String, String) {
    let Some(first) = all.first() else {
        let mark = style.symbol(Symbol::Passed);
        return (format!("{mark} no token is in force\n"), String::new());
    };
    let head = ["id", "name", "owner", "may", "in", "until", "last used"];
    let rows = all.iter().map(|one| row(one, style));
    let head = head.map(str::to_owned).to_vec();
    let mut text = format!("{}\n\n", counted(all.len(), "token"));
    text.push_str(&table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    let revoke = Next::new(format!("towpath token revoke {}", first.id), "ends it at once");
    (text, next(&[revoke]))
}

fn row(one: &TokenView, style: &Style) -> Vec<String> {
    let or = |list: &[String], none: &str| {
        if list.is_empty() { none.to_owned() } else { list.join(", ") }
    };
    let until = match &one.ended_at {
        Some(at) => format!("ended {}", style.minute(at)),
        None if !one.in_force => "ended".to_owned(),
        None => style.minute(&one.expires_at),
    };
    vec![
        one.id.clone(),
        one.name.clone(),
        one.owner.clone(),
        or(&one.may, "look"),
        or(&one.environments, "everywhere"),
        until,
        one.last_used_at.as_ref().map_or_else(|| "never".to_owned(), |at| style.minute(at)),
    ]
}

/// The answer to an order to end one.
pub(crate) fn revoked(id: &TokenId, style: &Style) -> (String, String) {
    let mark = style.symbol(Symbol::Passed);
    let text = format!("{mark} {id} opens nothing any more, nor does what was created with it\n");
    (text, next(&[Next::new("towpath token list", "what is in force still")]))
}
