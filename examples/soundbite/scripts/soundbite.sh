#!/bin/sh
# One entry to the five environments; further options are handed on. Exit codes are towpath's.
usage='usage: soundbite.sh dev localstack|aws|aws-deployed [OPTION...]
       soundbite.sh deploy staging|production [OPTION...]
       soundbite.sh status [ENVIRONMENT]
       soundbite.sh rollback ENVIRONMENT [BACK_TO] [OPTION...]
       soundbite.sh health|validate ENVIRONMENT [OPTION...]'

case "${1-} ${2-}" in
    "dev localstack" | "dev aws" | "dev aws-deployed")
        environment="dev-$2" && shift 2 && set -- promote --yes "$environment" "$@" ;;
    "deploy staging" | "deploy production")
        environment="$2" && shift 2 && set -- promote --yes "$environment" "$@" ;;
    "status "* | "rollback "?* | "health "?* | "validate "?*) ;;
    *) printf '%s\n' "$usage" >&2 && exit 2 ;;
esac
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" "$@"
