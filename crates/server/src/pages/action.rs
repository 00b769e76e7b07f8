//! One button with its panel: what it will do in a few words under it, and in full before it is done. Owns how
//! it is drawn; what it does is said by whoever has one.

use maud::{Markup, html};

use crate::pages::frame::Look;
use crate::pages::marks::icon;

/// One button with its panel.
pub(super) struct Action {
    /// Its word in the address, and what its marks are called.
    pub(super) word: &'static str,
    pub(super) mark: &'static str,
    pub(super) title: &'static str,
    /// What it will do, in a few words under the button; of one that cannot be used, why.
    pub(super) short: String,
    /// All of it, in the panel; none: it cannot be used now.
    pub(super) full: Option<String>,
    /// What the button in the panel says.
    pub(super) submit: String,
    pub(super) is_bad: bool,
    /// What is typed or chosen in the panel.
    pub(super) fields: Markup,
}

impl Action {
    /// The one that throws a release out, of a lane or of a promotion.
    pub(super) fn roll_back(
        short: String,
        full: Option<String>,
        submit: String,
        fields: Markup,
    ) -> Self {
        let (word, mark, title) = ("rollback", "back", "Roll back");
        Self { word, mark, title, short, full, submit, is_bad: true, fields }
    }
}

/// What a reason is for.
pub(super) const KEPT: &str = "Reason, kept in the audit";

/// A field for a sentence; what is needed cannot be left empty.
pub(super) fn reason(label: &str, is_needed: bool) -> Markup {
    html! { label.sm { (label) input.in name="reason" required[is_needed] maxlength="2000" autocomplete="off"; } }
}

/// A field that says by which session the form was made.
pub(super) fn word(look: &Look) -> Markup {
    html! { input type="hidden" name="form" value=(look.visitor.form); }
}

/// The button, its panel and what stands under it; `place` is where its form goes, `hidden` what it brings.
pub(super) fn button(action: &Action, place: &str, hidden: &Markup) -> Markup {
    let class = if action.is_bad { "btn bad" } else { "btn" };
    let why = format!("why-{}", action.word);
    html! {
        @if let Some(full) = &action.full {
                details data-act id={ "act-" (action.word) } {
                    summary class=(class) { (icon(action.mark)) (action.title) }
                    form method="post" action=(place) {
                        (hidden)
                        p { (full) }
                        (action.fields)
                        button class={ (class) " main" } { (action.submit) }
                    }
                }
        } @else {
                button.btn type="button" aria-disabled="true" aria-describedby=(why) {
                    (icon(action.mark)) (action.title)
                }
        }
        p id=(why) { (action.short) }
    }
}
