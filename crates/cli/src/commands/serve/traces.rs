//! Whether traces are sent, where to, and which: the file of settings, an option, and the variables that
//! OpenTelemetry has for it. Owns names and defaults; sends nothing.

use std::path::PathBuf;

use serde::Deserialize;
use towpath_core::trace_context::Sampling;
use towpath_server::traces::{Settings, headers_in};

/// Where a collector takes traces, after its own address (OTLP over HTTP).
const PATH: &str = "v1/traces";

/// `traces`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracesSection {
    /// The whole address to which spans are posted.
    endpoint: String,
    #[serde(default)]
    headers_file: Option<PathBuf>,
}

/// What a server is told; none where nobody named a collector. An option goes before the variables, and these
/// before the file. `variable` reads the environment, `beside` finds files beside the one of the settings.
///
/// # Errors
/// What is wrong, with its name.
pub(super) fn told(
    typed: Option<&str>,
    section: Option<TracesSection>,
    variable: impl Fn(&str) -> Option<String>,
    beside: impl Fn(PathBuf) -> PathBuf,
) -> Result<Option<Settings>, String> {
    // The specification has an empty variable be none.
    let said = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let is_off = said("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
        || said("OTEL_TRACES_EXPORTER").is_some_and(|it| it == "none");
    let whole = said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let base = said("OTEL_EXPORTER_OTLP_ENDPOINT");
    let base = base.map(|base| format!("{}/{PATH}", base.trim_end_matches('/')));
    let (name, endpoint) = match (typed, whole, base, &section) {
        (Some(typed), ..) => ("--traces", typed.to_owned()),
        (_, Some(whole), ..) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole),
        (_, _, Some(base), _) => ("OTEL_EXPORTER_OTLP_ENDPOINT", base),
        (.., Some(section)) => ("traces.endpoint", section.endpoint.clone()),
        _ => return Ok(None),
    };
    if is_off && typed.is_none() {
        return Ok(None);
    }
    let address = reqwest::Url::parse(&endpoint).map_err(|error| format!("{name}: {error}"))?;
    if !matches!(address.scheme(), "http" | "https") || address.host().is_none() {
        return Err(format!(
            "{name}: `{endpoint}` is no address such as http://127.0.0.1:4318/{PATH}"
        ));
    }
    if !address.username().is_empty() || address.password().is_some() {
        return Err(format!("{name}: a name or password belongs into OTEL_EXPORTER_OTLP_HEADERS"));
    }
    for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        if let Some(other) = said(name).filter(|protocol| protocol != "http/protobuf") {
            let cause = "spans are sent as `http/protobuf`, to the collector's port 4318";
            return Err(format!("{name}: `{other}` is not spoken; {cause}"));
        }
    }
    let file = section.and_then(|section| section.headers_file).map(beside);
    let headers = file.as_ref().map(headers_in).transpose();
    let headers = headers.map_err(|cause| format!("traces.headers_file: {cause}"))?;
    Ok(Some(Settings {
        endpoint: address.to_string(),
        headers: headers.unwrap_or_default(),
        sampling: sampling(
            said("OTEL_TRACES_SAMPLER").as_deref(),
            said("OTEL_TRACES_SAMPLER_ARG").as_deref(),
        )?,
        version: env!("CARGO_PKG_VERSION"),
    }))
}

/// Those of the samplers that need nothing but this program.
fn sampling(name: Option<&str>, share: Option<&str>) -> Result<Sampling, String> {
    let name = name.unwrap_or("parentbased_always_on");
    let (heeds_caller, rule) = match name.strip_prefix("parentbased_") {
        Some(rule) => (true, rule),
        None => (false, name),
    };
    let share = match rule {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => {
            let text = share.unwrap_or("1.0");
            let read = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
            let wrong = || format!("OTEL_TRACES_SAMPLER_ARG: `{text}` is no share from 0 to 1");
            read.ok_or_else(wrong)?
        }
        _ => {
            let known = "always_on, always_off, traceidratio, and each after `parentbased_`";
            return Err(format!("OTEL_TRACES_SAMPLER: `{name}` is not known; these are: {known}"));
        }
    };
    Ok(Sampling { share, heeds_caller })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        typed: Option<&str>,
        file: &str,
        all: &[(&str, &str)],
    ) -> Result<Option<Settings>, String> {
        let section = (!file.is_empty()).then(|| serde_saphyr::from_str(file).unwrap());
        let variable = |name: &str| {
            all.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        told(typed, section, variable, |path| path)
    }

    fn endpoint(typed: Option<&str>, file: &str, all: &[(&str, &str)]) -> Option<String> {
        of(typed, file, all).unwrap().map(|settings| settings.endpoint)
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:4318/");
    const WHOLE: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://w:4318/x");
    const FILE: &str = "endpoint: http://f:1/v1/traces";

    #[test]
    fn nothing_is_sent_unless_somebody_says_where_to() {
        assert_eq!(endpoint(None, "", &[]), None);
        assert_eq!(endpoint(None, "", &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), None);
        let whole = |text: &str| Some(text.to_owned());
        assert_eq!(endpoint(None, "", &[BASE]), whole("http://b:4318/v1/traces"));
        assert_eq!(endpoint(None, FILE, &[BASE, WHOLE]), whole("http://w:4318/x"));
        assert_eq!(endpoint(None, FILE, &[]), whole("http://f:1/v1/traces"));
        assert_eq!(endpoint(Some("http://t:2/"), FILE, &[BASE, WHOLE]), whole("http://t:2/"));
        for off in [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(endpoint(None, FILE, &[BASE, off]), None);
        }
    }

    #[test]
    fn samplers_are_those_of_the_specification() {
        let of = |name: &str, share: Option<&str>| {
            sampling(Some(name), share).map(|it| (it.share, it.heeds_caller))
        };
        assert_eq!(sampling(None, None).unwrap(), Sampling { share: 1.0, heeds_caller: true });
        assert_eq!(of("always_off", None), Ok((0.0, false)));
        assert_eq!(of("parentbased_always_off", None), Ok((0.0, true)));
        assert_eq!(of("parentbased_traceidratio", Some("0.25")), Ok((0.25, true)));
        assert_eq!(of("traceidratio", None), Ok((1.0, false)));
        for (name, share) in
            [("jaeger_remote", None), ("traceidratio", Some("2")), ("traceidratio", Some("NaN"))]
        {
            assert!(of(name, share).unwrap_err().starts_with("OTEL_TRACES_SAMPLER"));
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_shown() {
        let (base, grpc) = (BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));
        for (typed, all, said) in [
            (Some("collector:4318"), vec![], "--traces"),
            (Some("ftp://a/"), vec![], "--traces"),
            (Some("http://name:secret@a/"), vec![], "--traces"),
            (None, vec![base, grpc], "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ] {
            let error = of(typed, "", &all).unwrap_err();
            assert!(error.starts_with(said) && !error.contains("secret"), "{error}");
        }
        let error = of(None, "{ endpoint: http://a/, headers_file: /no/such }", &[]).unwrap_err();
        assert!(error.starts_with("traces.headers_file"), "{error}");
    }
}
