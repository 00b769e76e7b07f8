#!/bin/sh
# Tests what serves in an environment and leaves reports of it, for the gates of the next ones:
# test-environment.sh ENVIRONMENT. Ends with 0 whatever they say; the gates judge.
set -u
CDPATH= cd -- "$(dirname -- "$0")/.." || exit

# As `url` of the environment says.
case "${1-}" in
    dev-localstack) address=127.0.0.1:3000 ;;
    dev-aws) address=127.0.0.1:3001 ;;
    dev-aws-deployed) address=127.0.0.1:3002 ;;
    staging) address=127.0.0.1:3003 ;;
    *) echo 'usage: test-environment.sh dev-localstack|dev-aws|dev-aws-deployed|staging' >&2 && exit 2 ;;
esac
url="http://$address"

# The status of an answer; 000 where there is none.
status() { curl --silent --output /dev/null --max-time 10 --path-as-is --write-out '%{http_code}' "$@"; }
page() { curl --silent --max-time 10 "$@"; }

# suite NAME: begins a report of tests in JUnit's form.
suite() {
    mkdir -p "reports/$1"
    report="reports/$1/$environment.xml"
    printf '<testsuite name="%s">\n' "$1" >"$report"
}
# holds NAME WANTED SEEN: one test of it.
holds() {
    if [ "$2" = "$3" ]; then
        printf '  <testcase name="%s"/>\n' "$1"
    else
        printf '  <testcase name="%s"><failure message="%s, not %s"/></testcase>\n' "$1" "$3" "$2"
    fi >>"$report"
}
suite_ends() { echo '</testsuite>' >>"$report" && echo "wrote $report"; }

# refuses RULE WANTED SEEN: one thing that the scan looks at; a finding unless it is as wanted.
refuses() {
    [ "$2" = "$3" ] && return
    findings="$findings${findings:+, }{ \"ruleId\": \"$1\", \"level\": \"error\",
      \"message\": { \"text\": \"$3, not $2\" } }"
}
# scan_ends FOLDER: writes what was found as SARIF. Where nothing answers, nothing was looked at.
scan_ends() {
    mkdir -p "reports/$1"
    successful=false
    [ "$(status "$url/health")" = 200 ] && successful=true
    printf '{ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "soundbite %s" } },
  "invocations": [{ "executionSuccessful": %s }], "results": [%s] }] }\n' \
        "$1" "$successful" "$findings" >"reports/$1/$environment.sarif"
    echo "wrote reports/$1/$environment.sarif"
    findings=
}

environment=$1
findings=
long=$(printf '%0300d' 0)

# What is asked of each environment alike.
basics() {
    holds 'says that it is well' 200 "$(status "$url/health")"
    holds 'takes a text' 202 "$(status --data hello "$url/v1/sounds")"
    holds 'refuses a text that is too long' 400 "$(status --data "$long" "$url/v1/sounds")"
    holds 'knows a sound' 200 "$(status "$url/v1/sounds/welcome")"
    holds 'does not know another' 404 "$(status "$url/v1/sounds/none")"
}

scan() {
    refuses leaves-its-folder 404 "$(status "$url/v1/sounds/..%2f..%2fetc%2fpasswd")"
    refuses takes-any-size 413 "$(status --data "$(printf '%09000d' 0)" "$url/v1/sounds")"
    refuses deletes-for-anybody 405 "$(status --request DELETE "$url/v1/sounds/welcome")"
    scan_ends security
    # Names of the settings that it shows; those of passwords and keys are none of them.
    refuses shows-secrets 0 "$(page "$url/status" | grep -Eci 'secret|password|token|_key')"
    scan_ends compliance
}

case "$environment" in
    dev-localstack)
        suite unit && basics && suite_ends ;;
    dev-aws)
        suite real-data && basics
        holds 'makes audio of it' RIFF "$(page --range 0-3 "$url/v1/sounds/welcome/audio" | head -c 4)"
        suite_ends && scan ;;
    dev-aws-deployed)
        suite integration && basics
        holds 'reaches its stores' 200 "$(status "$url/aws")"
        suite_ends
        suite performance
        times=$(page --output /dev/null --write-out '%{http_code} %{time_total}\n' "$url/v1/sounds/welcome?test=[1-200]")
        holds 'answers 200 requests' 200 "$(printf '%s\n' "$times" | grep -c '^200 ')"
        holds 'needs half a second for none' 0 "$(printf '%s\n' "$times" | awk '$2 >= 0.5' | wc -l | tr -d ' ')"
        suite_ends && scan ;;
    staging) scan ;;
esac
