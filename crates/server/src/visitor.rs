//! Who looks at a page, as pages know them. Owns no right and no session.

use towpath_core::ids::Person;

/// Who looks. Whatever lets a request to a page pass puts it there.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// By the name that the matrix has for them, or the account of the machine.
    pub person: Person,
    /// What every form of theirs carries, hidden, as `form`; empty where no browser sends forms by itself.
    pub form: String,
}
