//! Requests, one after the other, as described. Owns the chance; judges nothing.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;

use crate::numbers::{micro, whole};
use crate::{Disturbance, Fault, Latency, Schedule, Traffic};

/// Length of one stretch in which a shared burst may go on, in seconds.
const BURST_S: f64 = 30.0;
/// A visitor notices an answer that takes longer than this many times the usual.
const TOLERATED: f64 = 1.2;
/// How many of these stretches are bursts.
const BURST_SHARE: f64 = 0.1;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When it was assigned, in microseconds from the start.
    pub at_us: u64,
    /// Whether the coin said green.
    pub is_green: bool,
    /// With which probability the coin says green.
    pub green_probability: f64,
    /// Whether it failed.
    pub failed: bool,
    /// Whether a visitor was harmed: green failed a request that blue would have answered, or made
    /// it slower by more than a fifth.
    pub harmed: bool,
    /// From the assignment to the outcome, in microseconds.
    pub latency_us: u64,
    /// Who sent it; 0 is nobody in particular.
    pub client: u64,
}

/// The requests of one rollout, the same for the same seed.
#[derive(Debug)]
pub struct Trace<'a> {
    traffic: &'a Traffic,
    fault: &'a Fault,
    schedule: &'a Schedule,
    chance: Pcg64Mcg,
    now_s: f64,
    burst: (u64, f64),
    repeats: Option<(u64, Request)>,
}

impl<'a> Trace<'a> {
    /// The requests of the rollout `seed`.
    pub fn new(traffic: &'a Traffic, fault: &'a Fault, schedule: &'a Schedule, seed: u64) -> Self {
        let chance = Pcg64Mcg::seed_from_u64(seed);
        Self { traffic, fault, schedule, chance, now_s: 0.0, burst: (u64::MAX, 1.0), repeats: None }
    }

    fn draw(&mut self) -> Request {
        let (weight, step_began_s) = self.schedule.weight_at(self.now_s);
        let is_green = self.share() < weight;
        let fate = self.share();
        let usual = (self.traffic.error_rate * self.burst_factor()).min(1.0);
        let failing = if is_green { self.green_fails(step_began_s) } else { usual };
        let failed = fate < failing;
        let (latency_us, slowed) = self.latency(is_green, failed);
        Request {
            at_us: micro(self.now_s),
            is_green,
            green_probability: weight,
            failed,
            harmed: (is_green && failed && fate >= usual) || slowed,
            latency_us,
            client: self.client(),
        }
    }

    fn green_fails(&mut self, step_began_s: f64) -> f64 {
        let share = if self.now_s >= self.fault.onset_s {
            self.fault.error_rate
        } else {
            self.traffic.error_rate
        };
        let share = share * self.burst_factor();
        let extra = match self.traffic.disturbance {
            Disturbance::WarmUp { extra, seconds, at_each_step } => {
                let began = if at_each_step { step_began_s } else { 0.0 };
                if self.now_s - began < seconds { extra } else { 0.0 }
            }
            _ => 0.0,
        };
        (share + extra).min(1.0)
    }

    fn burst_factor(&mut self) -> f64 {
        let Disturbance::SharedBursts { factor } = self.traffic.disturbance else { return 1.0 };
        let stretch = whole(self.now_s / BURST_S);
        if self.burst.0 != stretch {
            let is_burst = self.share() < BURST_SHARE;
            self.burst = (stretch, if is_burst { factor } else { 1.0 });
        }
        self.burst.1
    }

    fn latency(&mut self, is_green: bool, failed: bool) -> (u64, bool) {
        let Latency::LogNormal { median_us, sigma } = self.traffic.latency else {
            return (0, false);
        };
        let normal: f64 = StandardNormal.sample(&mut self.chance);
        let usual = median_us * (sigma * normal).exp();
        match self.traffic.disturbance {
            Disturbance::BlueFailsLate { seconds } if failed && !is_green => {
                return (micro(seconds), false);
            }
            Disturbance::BlueStalls { at_s, seconds } if !is_green => {
                let until = at_s + seconds;
                if self.now_s >= at_s && self.now_s < until {
                    return (micro(until - self.now_s + usual / 1e6), false);
                }
            }
            _ => {}
        }
        let fault = self.fault;
        let is_slow = is_green
            && fault.slower > 1.0
            && self.now_s >= fault.onset_s
            && (fault.slower_share >= 1.0 || self.share() < fault.slower_share);
        let factor = if is_slow { fault.slower } else { 1.0 };
        (micro(usual * factor / 1e6), factor > TOLERATED)
    }

    fn client(&mut self) -> u64 {
        match self.traffic.disturbance {
            Disturbance::Retries { clients, .. } => 1 + self.chance.random_range(0..clients.max(1)),
            _ => 0,
        }
    }

    /// The repetitions that a failure brings: its client's, with the same fate, each with a coin of
    /// its own.
    fn repeats_of(&mut self, request: &Request) -> Option<(u64, Request)> {
        let Disturbance::Retries { mean, .. } = self.traffic.disturbance else { return None };
        if !request.failed {
            return None;
        }
        let count: f64 = Poisson::new(mean).ok()?.sample(&mut self.chance);
        Some((whole(count), Request { harmed: false, ..*request }))
    }

    fn share(&mut self) -> f64 {
        self.chance.random()
    }
}

impl Iterator for Trace<'_> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if let Some((left, mut request)) = self.repeats.take()
            && left > 0
        {
            self.repeats = Some((left - 1, request));
            let again =
                matches!(self.traffic.disturbance, Disturbance::Retries { on_the_same: true, .. });
            request.is_green =
                if again { request.is_green } else { self.share() < request.green_probability };
            return Some(request);
        }
        let gap: f64 = Exp1.sample(&mut self.chance);
        self.now_s += gap / self.traffic.requests_per_s;
        let request = self.draw();
        self.repeats = self.repeats_of(&request);
        Some(request)
    }
}
