//! Opens a page in the browser of whoever sits at this machine. Waits for nothing and reports nothing: the
//! address is always printed as well.

use std::process::{Command, Stdio};

/// What opens addresses where there is a screen.
#[cfg(target_os = "macos")]
const OPENER: &str = "open";
#[cfg(not(target_os = "macos"))]
const OPENER: &str = "xdg-open";

/// Whether a browser was told to show it. Not where nobody would see it: without a screen, or over a network.
pub(crate) fn open(address: &str) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_screen = cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    if !has_screen || is_set("SSH_CONNECTION") {
        return false;
    }
    let mut opening = Command::new(OPENER);
    opening.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut opener) = opening.spawn() else { return false };
    // It hands the address over and ends; nobody else would collect it.
    std::thread::spawn(move || opener.wait());
    true
}
