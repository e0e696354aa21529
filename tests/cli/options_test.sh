# Each subcommand's usage text against its table of options: every row is told with its letter and whether it takes a
# value, and nothing is told that is not a row.
set -eu
export LC_ALL=C
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The lines of a usage text that tell of an option, as the table's lines are: "o --output VALUE".
told() { sed -nE 's/^ +(-([a-z]), )?(--[a-z][a-z0-9-]*)( [^ ]+)?(  .*)?$/\2 \3\4/p' | sed -E 's/^ /- /; s/^(. --[^ ]+) .+$/\1 VALUE/' | sort; }
# Every option that a text names anywhere.
named() { grep -oE -- '(^|[^a-z0-9-])--[a-z][a-z0-9-]*' | sed 's/^[^-]//' | sort -u; }

compare() { # TABLE USAGE: 0 where both say the same
    sort "$1" >"$work/rows"
    told <"$2" >"$work/told"
    named <"$2" >"$work/named"
    sed 's/^. //; s/ VALUE$//' "$1" | sort -u >"$work/names"
    diff "$work/rows" "$work/told" >"$work/diff" || return 1
    comm -23 "$work/named" "$work/names" >"$work/diff"
    [ ! -s "$work/diff" ]
}

commands=$("$bitdial" --help | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p')
printf '%s\n' $commands 'prune --rankings' >"$work/commands"
while read -r command; do
    "$bitdial" $command --options-table </dev/null | grep -E '^. --' >"$work/table"
    "$bitdial" $command --help </dev/null >"$work/usage"
    if ! compare "$work/table" "$work/usage"; then
        echo "FAIL: the options of '$command' (<) and its usage text (>):"
        cat "$work/diff"
        exit 1
    fi
    [ "$(wc -l <"$work/table")" -ge 3 ] || { echo "FAIL: '$command' has hardly an option"; exit 1; }
    cp "$work/table" "$work/$command.table"
    cp "$work/usage" "$work/$command.usage"
done <"$work/commands"

# What the comparison must see, planted.
plant() { # WHAT: in $work/table and $work/usage
    compare "$work/table" "$work/usage" && { echo "FAIL: the comparison does not see $1"; exit 1; }
    cp "$work/curves.table" "$work/table"
    cp "$work/curves.usage" "$work/usage"
}
cp "$work/curves.table" "$work/table"
cp "$work/curves.usage" "$work/usage"
echo '- --secret' >>"$work/table"; plant 'an option that the usage text does not tell'
sed -i '/--json/d' "$work/table"; plant 'an option that is told and is not there'
sed -i '/--json/d' "$work/usage"; plant 'a line that is missing'
sed -i 's/-o, --output/--output/' "$work/usage"; plant 'a letter that is not told'
sed -i 's/--output FILE/--output/' "$work/usage"; plant 'a value that is not told'
sed -i 's/--json /--json N/' "$work/usage"; plant 'a value of an option that takes none'
echo 'Needs --gone.' >>"$work/usage"; plant 'a mention of what is not there'
echo "usage texts and tables of options agree"
