#!/bin/sh
# Asks an environment's validation checks again: validate-environment.sh ENVIRONMENT [OPTION...]
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" validate "$@"
