//! The names of everything that can be wrong with a matrix, and the rule behind each. Owns no
//! place and no wording of a single problem.

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing can be promoted from this matrix.
    Error,
    /// Worth knowing; nothing is refused.
    Warning,
}

macro_rules! codes {
    ($($severity:ident $variant:ident $name:literal)*) => {
        /// What is wrong, by a name made of words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`; the rule stands in `explain/", $name, ".md`.")] $variant,)*
        }

        impl Code {
            /// All of them: what the text itself may be, what keys may be, what makes sense.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As printed in brackets: `weight-order`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The rule, with a wrong and a right example, as Markdown.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../explain/", $name, ".md")),)* }
            }
        }
    };
}

codes! {
    Error TooLarge "too-large"
    Error NotUtf8 "not-utf-8"
    Error Tab "tab"
    Error YamlSyntax "yaml-syntax"
    Error YamlFeature "yaml-feature"
    Error TooDeep "too-deep"
    Error TooMuch "too-much"
    Error TooMany "too-many"
    Error DuplicateKey "duplicate-key"
    Error YesNoWord "yes-no-word"
    Error UnknownKey "unknown-key"
    Error MissingKey "missing-key"
    Error WrongType "wrong-type"
    Error WrongValue "wrong-value"
    Error UnknownKind "unknown-kind"
    Error UnknownName "unknown-name"
    Error DuplicateCheck "duplicate-check"
    Error DuplicateName "duplicate-name"
    Error AfterTwice "after-twice"
    Error AutomaticRoot "automatic-root"
    Error PipelineCycle "pipeline-cycle"
    Error WeightOrder "weight-order"
    Error LastWeight "last-weight"
    Error BakeRange "bake-range"
    Error StrategySteps "strategy-steps"
    Error StepsWithoutRouter "steps-without-router"
    Error CheckTime "check-time"
    Error CannotAccept "cannot-accept"
    Error PlaintextSecret "plaintext-secret"
    Error ScalingMinOverMax "scaling-min-over-max"
    Error FreezeNever "freeze-never"
    Warning AcceptsNothing "accepts-nothing"
    Warning SameAddress "same-address"
    Warning TriggerLooserThanSlo "trigger-looser-than-slo"
    Warning PromotionTime "promotion-time"
    Warning RollbackWithoutStandby "rollback-without-standby"
    Warning PermissionsTooWide "permissions-too-wide"
    Warning PlaintextSecretInDevelopment "plaintext-secret-in-development"
    Warning RotationDisagrees "rotation-disagrees"
    Warning SharedResource "shared-resource"
    Warning SloOrder "slo-order"
    Warning GateLooserThanSlo "gate-looser-than-slo"
    Warning GateLooserThanTrigger "gate-looser-than-trigger"
    Warning SingleInstanceProduction "single-instance-production"
    Warning RollbackWithin "rollback-within"
    Warning ValidationTime "validation-time"
    Warning MfaOnUnattendedRole "mfa-on-unattended-role"
    Warning DeleteUnusedAndStandby "delete-unused-and-standby"
    Warning NoSuchRole "no-such-role"
    Warning OnlyOnePerson "only-one-person"
    Warning TooFewPeople "too-few-people"
    Warning AutomaticIntoProduction "automatic-into-production-without-gate"
    Warning WindowNever "window-never"
    Warning HolidaysOver "holidays-over"
    Warning UnknownBranch "unknown-branch"
    Warning AlertsOffButDeclared "alerts-off-but-declared"
    Warning DebugInProduction "debug-in-production"
    Warning BudgetMismatch "budget-mismatch"
    Warning SpotOnlyProduction "spot-only-production"
    Warning RecoveryWithoutBackups "recovery-without-backups"
    Warning DataRealOutsideProduction "data-real-outside-production"
    Warning ResidencyCrossed "residency-crossed"
    Warning SoakNotBefore "soak-not-before"
    Warning SkipAgainstGate "skip-against-gate"
    Warning AutomaticWithApprovals "automatic-with-approvals"
    Warning TriggerNever "trigger-never"
    Warning RoleSpelledTwice "role-spelled-twice"
    Warning ShutdownInProduction "shutdown-in-production"
    Warning TimeoutLongerThanEvery "timeout-longer-than-every"
    Warning ErrorBudgetUntracked "error-budget-untracked"
    Warning AlertingChannels "alerting-channels"
    Warning PersonalData "personal-data"
}

impl Code {
    /// The code called `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

/// The rule behind a code, with examples; none for a name that is no code.
pub fn explain(code: &str) -> Option<&'static str> {
    Code::find(code).map(Code::explanation)
}
