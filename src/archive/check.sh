#!/bin/sh
# Checks this archive: is it as it was sealed? It needs sha256sum (or shasum), openssl, gzip and the
# small tools that every system has (Windows: in Git Bash). It asks no network and changes nothing
# but a temporary folder. Read it before you run it; docs/auditors.md says what it cannot tell.
#
#   sh check.sh [--head "31 sha256:…"] [--key acme.pub.pem] [--tsa-ca roots.pem] [FOLDER]
#
#   --head    a head of the chain that was kept elsewhere, as a run printed it; again for more
#   --key     a public key, or its fingerprint, from whoever keeps it, not from here; again for more
#   --tsa-ca  root certificates of the timestamp authority, from the authority
#   FOLDER    the archive; default: where this file lies
#
# It ends with 0: intact, 4: broken, 2: it could not be asked so.
LC_ALL=C; export LC_ALL
stop() { echo "check.sh: $*" >&2; exit 2; }
if command -v sha256sum > /dev/null; then sum=sha256sum; else sum='shasum -a 256'; fi
for tool in ${sum%% *} openssl gzip awk od comm; do command -v "$tool" > /dev/null || stop "there is no $tool here"; done
t=$(mktemp -d) || stop 'no temporary folder can be made'
trap 'rm -rf "$t"' EXIT; trap 'exit 130' HUP INT TERM
for f in given keys right edges unfolded damaged; do : > "$t/$f"; done
folder=$(dirname "$0")
while [ $# -gt 0 ]; do
  case $1 in --head | --key | --tsa-ca) [ $# -gt 1 ] || stop "$1 needs a value" ;; esac
  case $1 in
    --head) printf '%s\n' "$2" | tr A-F a-f | grep -Ex ' *([0-9]{1,8}[: ]+)?(sha256:)?[0-9a-f]{64} *' > "$t/x" || stop "--head: $2 is no head"
      sed 's/sha256://; s/:/ /; s/^/H /' "$t/x" >> "$t/given"; shift ;;
    --key) if [ -f "$2" ]; then
        { openssl pkey -pubin -in "$2" -outform DER || openssl pkey -pubin -inform DER -in "$2" -outform DER; } > "$t/x" 2> /dev/null || stop "--key: $2 is no public key"
        $sum < "$t/x" | sed 's/^\([0-9a-f]*\).*/K \1/' >> "$t/given"
      else printf '%s\n' "${2#sha256:}" | tr A-F a-f | sed -n 's/^[0-9a-f]\{64\}$/K &/p' > "$t/x"
        [ -s "$t/x" ] || stop "--key: $2 is neither a file nor a fingerprint"; cat "$t/x" >> "$t/given"; fi; shift ;;
    --tsa-ca) grep -q 'BEGIN CERTIFICATE' "$2" 2> /dev/null || stop "--tsa-ca: $2 holds no certificate"
      cp "$2" "$t/roots"; shift ;;
    -*) stop "there is no option $1; the first lines of check.sh say which there are" ;;
    *) folder=$1 ;;
  esac; shift
done
cd "$folder" 2> /dev/null && { [ -d sealed ] || [ -f SHA256SUMS ]; } || stop "$folder is no archive: it has no folder sealed"
ulimit -f 131072 2> /dev/null # Nothing in an archive unfolds to more than 64 MiB.

# What is wrong stands in a file, a line each; an empty one means that the check passed.
broken=0
report() { # file, name of the check, what it means that nothing is wrong
  if [ -s "$1" ]; then
    broken=$((broken + 1)); tr -c '\012\040-\176' '?' < "$1" | sed -n "1,20s/^/BROKEN  $2: /p"
    [ "$(grep -c '' "$1")" -le 20 ] || echo "BROKEN  $2: … and more: $(grep -c '' "$1") in all"
  else echo "ok      $2: $3"; fi
}
note() { echo "note    $*" | tr -c '\012\040-\176' '?'; }
# Lines "digest  file" on which sha256sum does not say OK. Counted, since it passes over other lines.
differing() {
  [ -s "$1" ] || return 0
  $sum -c "$1" 2> /dev/null > "$t/said"; sed -n '/: OK$/!p' "$t/said"
  [ "$(grep -c '' "$t/said")" = "$(grep -c '' "$1")" ] || echo 'some files could not be read'
}
path() { echo "sealed/objects/${1%"${1#??}"}/$1.gz"; }

# Every file is what SHA256SUMS says, and there is none besides.
find . ! -type d ! -type f | sed 's/$/ is neither a file nor a folder/' > "$t/x"
if [ -f SHA256SUMS ]; then
  grep -vE '^[0-9a-f]{64}  [^/]' SHA256SUMS | sed 's/^/SHA256SUMS has a line of another form: /' >> "$t/x"
  differing SHA256SUMS >> "$t/x"
  find . -type f | sed 's/^..//' | grep -vx SHA256SUMS | sort > "$t/files"; cut -c67- SHA256SUMS | sort > "$t/listed"
  comm -23 "$t/files" "$t/listed" | sed 's/$/ is not in SHA256SUMS/' >> "$t/x"
  comm -13 "$t/files" "$t/listed" | sed 's/$/ is in SHA256SUMS, and not once in the archive/' >> "$t/x"
else echo 'SHA256SUMS is missing' >> "$t/x"; fi
report "$t/x" files "every file is what SHA256SUMS says, and none is besides"

# Reads JSON: a line for each value, "F <name of the file> <where in it> <value>", of those that are
# wanted, and "F <name> end" where the JSON ends. Between two quotes there is either a string or none.
json='BEGIN { RS = "\"" }
  function give(v) { if (at[d] ~ want && v !~ /[ \t\n]/) print "F", name, at[d], v; held = 0; word = "" }
  FNR == 1 { d = 0; inside = 0; held = 0; word = ""; name = FILENAME; gsub(/.*\/|\..*/, "", name); if (length(name) == 8) name += 0 }
  inside { text = text $0; match($0, /\\*$/)
    if (RLENGTH % 2) text = text "\""; else { inside = 0; held = 1 }
    next }
  { n = length($0)
    for (i = 1; i <= n; i++) { c = substr($0, i, 1)
      if (c == "{" || c == "[") { above = at[d]; at[++d] = above (c == "[" ? "[]" : ""); root[d] = above; kind[d] = c; held = 0 }
      else if (c == ":") { at[d] = root[d] "." text; held = 0 }
      else if (c == "," || c == "}" || c == "]") { if (held) give(text); else if (word != "") give(word)
        if (c != ",") { d--; if (d == 0) print "F", name, "end" } }
      else if (c !~ /[ \t\r\n]/) word = word c }
    inside = 1; text = "" }'

# The chain: numbers without a hole, each manifest names the digest of the one before.
ls sealed/bundles 2> /dev/null | grep -E '^[0-9]{8}\.json$' | grep -vx 00000000.json | sed 's|^|sealed/bundles/|' > "$t/manifests"
xargs $sum < "$t/manifests" 2> /dev/null | sed 's|^\([0-9a-f]*\).*/0*\([0-9]*\)\.json$|D \2 \1|' > "$t/digests"
want='^\.(previous|sequence|run|format|kind|clock|answers|signature.*|timestamps\..*)$|\.(chunks|receipts|kept|answers|key|digest|signers\[\])$'
xargs awk -v want="$want" "$json" < "$t/manifests" > "$t/facts"
# Once signed, always signed, by a key that the manifest before allows; keys given lead to all that follows.
rules='{ f[$2, $3] = $4 }
  function bad(check, text) { print check " bundle " n " " text }
  $1 == "D" { order[++count] = $2; digest[$2] = $3; place[$3] = $2 }
  $1 == "H" { heads++; hn[heads] = NF > 2 ? $2 + 0 : ""; hd[heads] = $NF }
  $1 == "K" { given[$2] = 1; keys++ }
  $1 == "R" { right[$2] = 1 }
  $3 == "end" { ends[$2]++ }
  $3 == ".signature.signers[]" { signers[$2] = signers[$2] " " $4; may[$2, $4] = 1 }
  END { if (!count) print "chain there is no bundle"
    for (i = 1; i <= count; i++) { n = order[i]; b = order[i - 1]; key = f[n, ".signature.key"]; told = f[n, ".previous"]
      if (n != b + 1) print "chain bundles " b + 1 " to " n - 1 " are missing"
      if (ends[n] != 1 || f[n, ".sequence"] != n || f[n, ".format"] != "tickmark-bundle/1" || told == "") bad("chain", "is damaged, or stands in the wrong place")
      if (n == 1 ? told != "null" : n == b + 1 && told != digest[b]) bad("chain", n == 1 ? "names one before it" : "does not name the digest of the one before")
      if (f[n, ".run"] in run) bad("chain", "is the same run as bundle " run[f[n, ".run"]])
      run[f[n, ".run"]] = n
      if (key == "") { if (f[n, ".signature"] != "null") bad("signatures", "does not say whether it is signed"); if (signed) bad("signatures", "is unsigned, behind signed ones"); unsigned = n; continue }
      signed++
      if (n in right) { if (key in given || key in allowed) { trusted = n; split("", allowed); m = split(signers[n], s, " "); for (j = 1; j <= m; j++) allowed[s[j]] = 1 }
        else if (keys && trusted) bad("signatures", "is signed by " key ", which no given key leads to") }
      else bad("signatures", "has no signature that fits")
      before = f[b, ".signature.key"]; if (n != b + 1) continue
      if (f[n, ".signature.previous_key"] != (before == "" ? "null" : before)) bad("signatures", "tells of another key before it")
      if (before != "" && !((b, key) in may) && !(f[n, ".kind"] == "keys" && key in given)) bad("signatures", "is signed by " key ", which the one before does not allow")
      else if (f[n, ".kind"] != "keys" && signers[n] != (before == "" ? " " key : signers[b])) bad("signatures", "changes who may sign, and is not of kind keys") }
    if (keys && unsigned > trusted) print "signatures bundle " unsigned " is not covered by a key that was given"
    if (keys && signed && !trusted) print "signatures no signature is by a key that was given"
    for (i = 1; i <= heads; i++) { if (hn[i] != "" ? digest[hn[i]] != hd[i] : !(hd[i] in place)) print "heads there is no bundle " hn[i] " with the head sha256:" hd[i]
      else { n = hn[i] == "" ? place[hd[i]] : hn[i]; if (n > pinned) pinned = n } }
    print "= " count " " order[count] " " digest[order[count]] " " pinned + 0 " " signed + 0 }'

# The signatures, each by the object that the manifest names as its key: a key on P-256, in its one form.
awk '$1 == "D" { digest[$2] = $3 } $3 == ".signature.key" { print $2, digest[$2], $4 }' "$t/digests" "$t/facts" > "$t/signed"
while read -r n digest key; do
  if [ ! -f "$t/$key.pem" ]; then
    gzip -dc "$(path "$key")" 2> /dev/null > "$t/der"; : > "$t/$key.pem"
    case $($sum < "$t/der")-$(od -An -v -tx1 "$t/der" | tr -d ' \n') in
      "$key"*-3059301306072a8648ce3d020106082a8648ce3d03010703420004*) openssl pkey -pubin -inform DER -in "$t/der" -out "$t/$key.pem" 2> /dev/null ;;
    esac
  fi
  openssl dgst -sha256 -verify "$t/$key.pem" -signature "sealed/seals/$digest.sig" "$(printf 'sealed/bundles/%08d.json' "$n")" > /dev/null 2>&1 && echo "R $n" >> "$t/right"
done < "$t/signed"
cat "$t/given" "$t/digests" "$t/facts" "$t/right" | awk "$rules" > "$t/found"
read -r _ bundles last head pinned signed << END
$(grep '^= ' "$t/found")
END
sed -n 's/^chain //p' "$t/found" > "$t/x"; report "$t/x" chain "$bundles bundles, without a hole, each names the one before"
sed -n 's/^heads //p' "$t/found" > "$t/x"
if [ "$pinned" = "$last" ] || [ -s "$t/x" ]; then report "$t/x" heads "the newest is a head that was given"
else note "heads: none was given for the newest bundle. Compare with what was kept elsewhere: $last sha256:$head"; fi
sed -n 's/^signatures //p' "$t/found" > "$t/x"
if [ "$signed" = 0 ] && [ ! -s "$t/x" ]; then note 'signatures: nobody signed. Whoever can write the archive could have made all of it, so that it fits together'
else report "$t/x" signatures "$signed bundles are signed, by keys that were allowed to"
  grep -q '^K' "$t/given" || note 'signatures: no key was given; those that lie here are believed. Ask their owner for the fingerprint: --key'; fi

# Timestamps: each over its manifest; and that which a later manifest tells of by its digest.
awk '$1 == "D" { digest[$2] = $3 }
  $3 == ".timestamps.authorities[]" { due[$2] = 1 }
  $3 == ".timestamps.tokens[].digest" { token = $4 }
  $3 == ".timestamps.tokens[].sequence" && !($4 in told) { told[$4] = token }
  END { for (n in due) print n, digest[n], told[n] }' "$t/digests" "$t/facts" | sort -n > "$t/due"
cat certificates/*.pem 2> /dev/null > "$t/here"; stamped=0
leads() { # to one of these roots; the second try is for certificates that have ended since
  openssl ts -verify -data "$2" -in "$3" -token_in -CAfile "$1" > /dev/null 2>&1 && return
  at=$(openssl ts -reply -in "$3" -token_in -text 2> /dev/null | sed -n 's/^Time stamp: //p' | awk '{ split($3, h, ":"); y = $4
    m = index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2; m /= 3; if (m < 3) { m += 12; y-- }
    print (365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + $2 - 719469) * 86400 + h[1] * 3600 + h[2] * 60 + int(h[3]) }')
  openssl ts -verify -data "$2" -in "$3" -token_in -CAfile "$1" -attime "$at" > /dev/null 2>&1
}
while read -r n digest told; do
  manifest=$(printf 'sealed/bundles/%08d.json' "$n"); token=sealed/seals/$digest.tst
  if [ ! -f "$token" ]; then [ -z "$told" ] || echo "that of bundle $n is missing, and a later bundle has seen it"; continue; fi
  stamped=$((stamped + 1))
  [ -z "$told" ] || case $($sum < "$token") in "$told"*) ;; *) echo "that of bundle $n is not the one that a later bundle has seen" ;; esac
  if [ -f "$t/roots" ]; then leads "$t/roots" "$manifest" "$token" || echo "that of bundle $n does not hold"; continue; fi
  openssl cms -verify -noverify -inform DER -in "$token" -out "$t/tst" > /dev/null 2>&1 && od -An -v -tx1 "$t/tst" | tr -d ' \n' | grep -q "0420$digest" ||
    echo "that of bundle $n does not hold"
done < "$t/due" > "$t/x"
report "$t/x" timestamps "$stamped of $bundles bundles have one"

# Objects, a folder at a time: unfolded, each is what its name says. What of them names others is kept.
want='^\.(base|confirmed)$|^\.chunks\[\]\[\]$|\.body$'
for folder in sealed/objects/??/; do
  rm -rf "$t/o"; cp -R "$folder" "$t/o" 2> /dev/null; part=${folder#sealed/objects/}
  ls "$t/o" | sed -n "s/^\(${part%/}[0-9a-f]\{62\}\)\.gz$/\1  \1/p" > "$t/there"
  find "$t/o" -type f -name '*.gz' -exec gzip -d {} + 2> /dev/null
  (cd "$t/o" && differing "$t/there") | sed 's/:.*//' >> "$t/damaged"
  cut -c1-64 "$t/there" >> "$t/unfolded"
  find "$t/o" -type f -exec grep -lE '^\{"base":|"confirmed":"|"body":"' {} + | xargs awk -v want="$want" "$json" >> "$t/edges"
done

# From the manifests over indexes (their bases and chunks), answers (bodies) and calls (what a service
# confirmed) to everything that is named: all of it is there and undamaged.
names='
  function need(kind, d) { if (d != "null" && !((kind, d) in seen)) { seen[kind, d] = 1; todo[++last] = kind " " d } }
  $1 == "F" && length($2) < 64 {
    if ($3 ~ /\.calls\.chunks$/) need("calls", $4); else if ($3 ~ /\.chunks$/) need("list", $4)
    else if ($3 ~ /\.answers$/) { if ($3 != ".answers") need("answers", $4) }
    else if ($3 ~ /^\.(controls\[\]|waivers)\.digest$|\.(receipts|kept)$|^\.signature\.(key|signers\[\])$/) need("plain", $4)
    next }
  $1 == "F" && length($4) == 64 { e = ++edges[$2]; where[$2, e] = $3; to[$2, e] = $4 }
  END { for (i = 1; i <= last; i++) { split(todo[i], a, " "); kind = a[1]; d = a[2]; print d
    for (e = 1; e <= edges[d]; e++) { w = where[d, e]
      if (kind ~ /^(calls|list)$/) need(w == ".base" ? kind : kind == "calls" ? "trace" : "plain", to[d, e])
      else if (kind == "answers" && w ~ /\.body$/ || kind == "trace" && w == ".confirmed") need("plain", to[d, e]) } } }'
awk "$names" "$t/facts" "$t/edges" | sort -u > "$t/named"
sort -u "$t/unfolded" > "$t/have"; sort -u "$t/damaged" > "$t/hurt"
{ comm -23 "$t/named" "$t/have" | sed 's/$/ is missing/'; comm -12 "$t/named" "$t/hurt" | sed 's/$/ is not what its name says/'; } > "$t/x"
report "$t/x" objects "$(grep -c '' "$t/named") are named, all are there, each is what its name says"
extra=$(comm -13 "$t/named" "$t/have" | grep -c '')
[ "$extra" = 0 ] || note "objects: $extra more lie here, which no manifest names; nothing depends on them"

if [ "$broken" -gt 0 ]; then echo "BROKEN: $broken checks failed"; exit 4; fi
echo "INTACT: $last bundles, head sha256:$head"
