//! The proxy from outside: a real one in this process, on loopback. Owns no assertion.

#[cfg(test)]
mod control;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod hedge;
#[cfg(test)]
mod holdback;
#[cfg(test)]
mod judging;
#[cfg(test)]
mod loopback;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod rescue;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod standby;
#[cfg(test)]
mod strata;
#[cfg(test)]
mod survival;
#[cfg(test)]
mod switching;
