//! What keys do: the line under the matrix, and the list that `?` shows on every page. The script follows them.

use maud::{Markup, html};

/// Keys and what they do, in the order of their use.
const ALL: [(&[&str], &str); 8] = [
    (&["/"], "to the filter, where there is one"),
    (&["j", "k"], "next, previous service or line"),
    (&["h", "l"], "earlier, later environment"),
    (&["Enter"], "open"),
    (&["w"], "what waits for you"),
    (&["m"], "the matrix"),
    (&["?"], "these keys"),
    (&["Esc"], "leave a field, close a panel"),
];

/// Those that are used most, where they are used most.
pub(super) fn line() -> Markup {
    html! {
        p.keys {
            span { kbd { "/" } " filter" }
            span { kbd { "h" } " " kbd { "j" } " " kbd { "k" } " " kbd { "l" } " move" }
            span { kbd { "Enter" } " open" }
            span { kbd { "w" } " waiting for you" }
            span { kbd { "?" } " all keys" }
        }
    }
}

/// All of them, closed until somebody asks.
pub(super) fn list() -> Markup {
    html! {
        dialog.panel id="keys" aria-labelledby="keys-title" {
            h2 id="keys-title" { "Keys" }
            dl {
                @for (keys, what) in ALL {
                    dt { @for key in keys { kbd { (key) } " " } }
                    dd { (what) }
                }
            }
            // Whoever speaks to the machine, or types with a shaking hand, turns them off (WCAG 2.1.4).
            label.check { input type="checkbox" id="keys-followed" checked; " Follow keys that are pressed alone" }
            form method="dialog" { button.btn { "Close" } }
        }
    }
}
