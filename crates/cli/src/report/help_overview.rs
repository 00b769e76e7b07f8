//! What `towpath` alone says. Owns the words; the pages of the commands are elsewhere.

/// What `towpath` alone says, without the options.
pub(crate) const OVERVIEW: &str = "\
Towpath carries a release from environment to environment, and back before visitors notice.

Examples
  towpath demo                             see a bad release caught, in one minute
  towpath status                           what serves where
  towpath promote staging production       carry on the newest release verified in staging
  towpath why production                   what blocks it, and who can unblock it
  towpath rollback production              put the last good release back

Start      init        write a towpath.yaml for this folder
           matrix      check, show and compare the matrix
           release     create, list, show and compare releases
           demo        watch the whole story with a sample service
Move       plan        what a promotion would do
           promote     carry a release into an environment
           rollback    put the last good release back
           break-glass carry a release in past all that is asked first
           pause, resume, abort, signal
Agree      approve     say yes to a plan           reject    say no
           attest      state that a check is done  settle    what a promotion owes is done
           waiting     what waits for somebody, and what is owed
Look       status      what serves where           why       what blocks an environment
           watch       follow a promotion          history   what happened
           logs, health, validate
Hold       freeze      let nothing start           thaw      let it go on
           quarantine  releases that may not return
Trust      token       let a script act for you, within bounds
Tell       notify      whether people can be told, and what they were not told
Prove      evidence    what gates opened by        audit     verify, export, sign
           simulate    try a rollout before trusting it
Run        serve, engine, adapters, doctor, completions
";

/// Exit codes of what is watched to its end.
pub(crate) const WATCHED: &[&str] = &[
    "0 succeeded   1 failed or aborted   2 wrong usage or matrix   3 refused, rejected or rolled back",
    "4 not allowed   5 not found   6 plan is stale, lane is busy or superseded   7 stopped waiting",
    "130 interrupted (the promotion goes on)",
];
