//! Who types a command. Owns nothing: the engine asks the system who it was, and does not believe
//! what the command says.

pub(crate) use towpath_server::person::current;
