#!/bin/sh
# Checks this archive: is it as it was sealed? It needs sha256sum (or shasum), openssl, gzip and the
# small tools that every system has; on Windows run it in Git Bash. It asks no network and writes to
# a temporary folder only. Read it before you run it.
#
#   sh check.sh [--head "31 sha256:…"] [--key acme.pub.pem] [--tsa-ca roots.pem] [FOLDER]
#
#   --head    a head of the chain, kept elsewhere, as a run printed it; may be given again
#   --key     a public key or its fingerprint, from whoever keeps it; may be given again
#   --tsa-ca  root certificates of the timestamp authority, from the authority
#   FOLDER    the archive, unpacked; default: where this file lies
#
# It ends with 0: intact, 4: broken, 2: it could not be checked.
LC_ALL=C; export LC_ALL
stop() { echo "check.sh: $*" >&2; exit 2; }
if command -v sha256sum > /dev/null; then sum=sha256sum; else sum='shasum -a 256'; fi
for tool in ${sum%% *} openssl gzip awk od xargs; do command -v "$tool" > /dev/null || stop "there is no $tool here"; done
t=$(mktemp -d) || stop 'no temporary folder can be made'
trap 'rm -rf "$t"' EXIT
trap 'exit 130' HUP INT TERM
for file in given right edges sound unstamped; do : > "$t/$file"; done

folder=$(dirname "$0")
while [ $# -gt 0 ]; do
  case $1 in --head | --key | --tsa-ca) [ $# -gt 1 ] || stop "$1 needs a value" ;; esac
  case $1 in
    --head) # "H number digest" or "H digest"
      printf '%s\n' "$2" | tr A-F a-f | grep -Ex ' *([0-9]{1,8}[: ]+)?(sha256:)?[0-9a-f]{64} *' > "$t/x" || stop "--head: $2 is no head"
      sed 's/sha256://; s/:/ /; s/^ *0*\([0-9]* \)/H \1/; s/^[^H]/H &/' "$t/x" >> "$t/given"; shift ;;
    --key) # "K fingerprint", which is the SHA-256 of the key's DER form
      if printf '%s\n' "$2" | tr A-F a-f | sed 's/^sha256://' | grep -Ex '[0-9a-f]{64}' > "$t/x"; then :
      elif openssl pkey -pubin -in "$2" -outform DER -out "$t/der" 2> /dev/null ||
        openssl pkey -pubin -inform DER -in "$2" -outform DER -out "$t/der" 2> /dev/null; then $sum < "$t/der" | cut -c1-64 > "$t/x"
      else stop "--key: $2 is neither a public key nor a fingerprint"; fi
      sed 's/^/K /' "$t/x" >> "$t/given"; shift ;;
    --tsa-ca) grep 'BEGIN CERT' "$2" > "$t/x" 2> /dev/null || stop "--tsa-ca: $2 holds no certificate"
      cat "$2" > "$t/roots"; shift ;;
    -*) stop "there is no option $1; the first lines of check.sh say which there are" ;;
    *) folder=$1 ;;
  esac
  shift
done
cd "$folder" 2> /dev/null && { [ -d sealed ] || [ -f SHA256SUMS ]; } || stop "$folder is no archive: there is no sealed/ in it"

broken=0
clean() { tr -c '\012\040-\176' '?'; } # what an archive says must not reach the terminal's controls
report() { # a file with a line for each fault, the name of the check, what it means that there is none
  if [ -s "$1" ]; then
    broken=$((broken + 1))
    sed -n "1,20s/^/BROKEN  $2: /p" "$1" | clean
    [ "$(grep -c '' "$1")" -le 20 ] || echo "BROKEN  $2: $(grep -c '' "$1") in all"
  else echo "ok      $2: $3"; fi
}
differing() { # lines "digest  file" of which sha256sum does not say OK; counted, since it skips what is no such line
  [ -s "$1" ] || return 0
  $sum -c "$1" 2> /dev/null > "$t/said"
  sed '/: OK$/d' "$t/said"
  [ "$(grep -c '' "$t/said")" = "$(grep -c '' "$1")" ] || echo 'not every file could be read'
}
without() { awk -v taken="$2" 'FILENAME == taken { there[$0] = 1; next } !($0 in there)' "$2" "$1"; } # lines of a file that are not in another
object() { echo "sealed/objects/${1%"${1#??}"}/$1.gz"; }

# 1. Every file is what SHA256SUMS says, and there is none besides.
{
  find . ! -type d ! -type f | sed 's/$/ is neither a file nor a folder/'
  if [ -f SHA256SUMS ]; then
    grep -vE '^[0-9a-f]{64}  [^/]' SHA256SUMS | sed 's/^/SHA256SUMS has a line of another form: /'
    differing SHA256SUMS
    find . -type f | sed 's/^..//' | grep -vx SHA256SUMS > "$t/files"
    cut -c67- SHA256SUMS > "$t/listed"
    without "$t/files" "$t/listed" | sed 's/$/ is not in SHA256SUMS/'
    sort "$t/listed" | uniq -d | sed 's/$/ is in SHA256SUMS twice/'
  else echo 'SHA256SUMS is missing'; fi
} > "$t/x"
report "$t/x" files 'each is what SHA256SUMS says, and there is none besides'

# 2. What the manifests say, a line for each value that is wanted: "F file place value", where a place
#    is like .slices@.records.chunks; "F file end" where the JSON ends. Quotes cut JSON into strings
#    and what stands between them.
json='BEGIN { RS = "\"" }
  function give(value) { gsub(/[ \t\r\n]/, "_", value); if (wanted(at[d])) print "F", name, at[d], value; string = 0; word = "" }
  FNR == 1 { name = FILENAME; gsub(/.*\/|[.].*/, "", name); if (length(name) == 8) sub(/^0+/, "", name); d = inside = string = 0; word = "" }
  inside { text = text $0; match($0, /\\*$/); if (RLENGTH % 2) text = text "\""; else { inside = 0; string = 1 }; next }
  { n = length($0)
    for (i = 1; i <= n; i++) { c = substr($0, i, 1)
      if (c == "{" || c == "[") { of[d + 1] = at[d]; d++; at[d] = of[d] "@"; string = 0 }
      else if (c == ":") { gsub(/[ \t\r\n]/, "_", text); at[d] = of[d] "." text; string = 0 }
      else if (c == "," || c == "}" || c == "]") {
        if (string) give(text); else if (word != "") give(word)
        if (c != "," && --d == 0) print "F", name, "end" }
      else if (c !~ /[ \t\r\n]/) word = word c }
    inside = 1; text = "" }'
list='(slices@|sources@|results|sample)[.](records|calls|list|statuses|population|items)[.](chunks|receipts)'
want="^[.](previous|sequence|run|format|kind|signature|signature[.].*|timestamps[.].*|$list|slices@[.]kept|sources@[.]answers|(controls@|waivers)[.]digest)\$"
ls sealed/bundles 2> /dev/null | grep -Ex '[0-9]{8}[.]json' | grep -v 00000000 | sed 's|^|sealed/bundles/|' > "$t/manifests"
xargs $sum < "$t/manifests" 2> /dev/null | sed 's|^\([0-9a-f]*\).*/0*\([0-9]*\)[.]json$|D \2 \1|' > "$t/digests"
xargs awk "function wanted(at) { return at ~ /$want/ } $json" /dev/null < "$t/manifests" > "$t/facts" 2> /dev/null
cat "$t/digests" "$t/facts" > "$t/all"

# 3. Signatures that fit ("R number"), each by the object that the manifest names as its key: a key on
#    P-256, in its one form.
awk '$1 == "D" { digest[$2] = $3 } $3 == ".signature.key" { print $2, digest[$2], $4 }' "$t/all" > "$t/signed"
while read -r n digest key; do
  if [ ! -f "$t/$key.pem" ]; then
    gzip -dc "$(object "$key")" 2> /dev/null | dd bs=1024 count=1 2> /dev/null > "$t/der"; : > "$t/$key.pem"
    case $($sum < "$t/der" | cut -c1-64)-$(od -An -v -tx1 "$t/der" | tr -d ' \n') in
      "$key"-3059301306072a8648ce3d020106082a8648ce3d03010703420004*) openssl pkey -pubin -inform DER -in "$t/der" -out "$t/$key.pem" 2> /dev/null ;;
    esac
  fi
  # openssl reads 72 bytes and no more, which is the most that such a signature has
  [ "$(cat "sealed/seals/$digest.sig" 2> /dev/null | wc -c)" -le 72 ] &&
    openssl dgst -sha256 -verify "$t/$key.pem" -signature "sealed/seals/$digest.sig" "$(printf 'sealed/bundles/%08d.json' "$n")" > /dev/null 2>&1 &&
    echo "R $n" >> "$t/right"
done < "$t/signed"

# 4. The chain: numbers without a hole, each manifest names the digest of the one before. Once signed,
#    always signed, by a key that the one before allows; a key that was given covers what it leads to.
awk 'function bad(what) { print n ? check " bundle " n " " what : check " " what }
  $1 == "H" { heads++; number[heads] = NF > 2 ? $2 : 0; head[heads] = $NF }
  $1 == "K" { given[$2] = 1; keys++ }
  $1 == "R" { fits[$2] = 1 }
  $1 == "D" { bundle[++count] = $2; digest[$2] = $3; place[$3] = $2 }
  $1 == "F" { says[$2, $3] = $4; if ($3 == "end") ends[$2]++; if ($3 == ".signature.signers@") { signers[$2] = signers[$2] " " $4; may[$2, $4] = 1 } }
  END {
    for (i = 1; i <= count; i++) { n = bundle[i]; b = bundle[i - 1] + 0; check = "chain"; previous = says[n, ".previous"]; run = says[n, ".run"]
      if (n != b + 1) bad("comes behind bundle " b ": what stood between is missing")
      if (ends[n] != 1 || says[n, ".format"] != "tickmark-bundle/1" || previous == "" || run == "") bad("is no whole manifest")
      else if (says[n, ".sequence"] != n) bad("says that it is another")
      if (previous != (n == 1 ? "null" : digest[b]) && (n == 1 || n == b + 1)) bad("does not name the digest of the one before")
      if (run in runs) bad("says that it is the same run as bundle " runs[run])
      runs[run] = n; check = "signatures"; key = says[n, ".signature.key"]; before = says[b, ".signature.key"]
      if (key == "") { if (signed || says[n, ".signature"] != "null") bad("is unsigned, and should not be"); unsigned = n; continue }
      signed++
      if (!(n in fits)) bad("has no signature that fits")
      else if (key in given || key in allowed) { trusted = n; split("", allowed); m = split(signers[n], each, " "); for (j = 1; j <= m; j++) allowed[each[j]] = 1 }
      else if (trusted) bad("is signed by " key ", to which no given key leads")
      if (n != b + 1) continue
      if (before != "" && !((b, key) in may)) { if (!(key in given && says[n, ".kind"] == "keys")) bad("is signed by " key ", which the one before does not allow") }
      else if (signers[n] != (before == "" ? " " key : signers[b]) && says[n, ".kind"] != "keys") bad("changes who may sign, and is not of kind keys") }
    if (keys && unsigned > trusted) { n = unsigned; bad("is unsigned, and no given key covers it") }
    n = 0; if (keys && signed && !trusted) bad("no given key leads to any")
    check = "chain"; if (!count) bad("there is no bundle")
    for (i = 1; i <= heads; i++) { k = number[i] ? number[i] : place[head[i]]; check = "heads"
      if (k && digest[k] == head[i]) { if (k > pinned) pinned = k } else bad("there is no bundle " k " with the digest " head[i]) }
    print "=", count + 0, signed + 0, (bundle[count] == pinned), bundle[count] + 0, "sha256:" digest[bundle[count]] }' \
  "$t/given" "$t/right" "$t/all" > "$t/found"
read -r _ bundles signed pinned head << END
$(grep '^=' "$t/found")
END
[ -n "$head" ] || stop 'the manifests cannot be gone through'
sed -n 's/^chain //p' "$t/found" > "$t/x"
report "$t/x" chain "$bundles bundles, none missing, each names the one before"
sed -n 's/^heads //p' "$t/found" > "$t/x"
if [ "$pinned" = 1 ] || [ -s "$t/x" ]; then report "$t/x" heads 'the newest bundle is one that was given'
else echo "note    heads: none was given for the newest bundle; compare with what was kept elsewhere: $head"; fi
sed -n 's/^signatures //p' "$t/found" > "$t/x"
if [ "$signed" = 0 ] && [ ! -s "$t/x" ]; then
  echo 'note    signatures: there are none; whoever can write this could have made all of it so that it fits together'
else report "$t/x" signatures "$signed of $bundles bundles are signed, by keys that might"; fi
grep -q '^K' "$t/given" || [ "$signed" = 0 ] || echo 'note    signatures: the keys lie here too; ask their owner for the fingerprint, and give it with --key'

# 5. Timestamps: a token is over its manifest, and is the one that a later manifest has seen. By the
#    certificate in the token; with --tsa-ca it has to end at those roots, at the token's own time.
epoch='{ split($3, h, ":"); y = $4; m = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3; if (m < 3) { m += 12; y-- }
  days = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + $2 - 719469
  printf "%d", days * 86400 + h[1] * 3600 + h[2] * 60 + int(h[3]) }'
holds() { # manifest, its digest, token
  openssl cms -verify -noverify -inform DER -in "$3" -out "$t/info" > /dev/null 2>&1 || return
  od -An -v -tx1 "$t/info" | tr -d ' \n' | grep -q "0420$2" || return
  [ -f "$t/roots" ] || return 0
  set -- -data "$1" -in "$3" -token_in -CAfile "$t/roots"
  openssl ts -verify "$@" > /dev/null 2>&1 && return
  openssl ts -verify "$@" -attime "$(openssl ts -reply -in "$4" -token_in -text 2> /dev/null | sed -n 's/^Time stamp: //p' | awk "$epoch")" > /dev/null 2>&1
}
awk '$1 == "D" { digest[$2] = $3 } $3 == ".timestamps.authorities@" { due[$2] = 1 } $3 == ".timestamps.tokens@.digest" { token = $4 }
  $3 == ".timestamps.tokens@.sequence" && !($4 in seen) { seen[$4] = token }
  END { for (n in due) print n, digest[n], seen[n] }' "$t/all" | sort -n > "$t/due"
while read -r n digest seen; do
  token=sealed/seals/$digest.tst
  if [ ! -f "$token" ]; then
    if [ -n "$seen" ]; then echo "that of bundle $n is missing, and a later bundle has seen it"; else echo "$n" >> "$t/unstamped"; fi
    continue
  fi
  [ -z "$seen" ] || [ "$($sum < "$token" | cut -c1-64)" = "$seen" ] || echo "that of bundle $n is not the one that a later bundle has seen"
  holds "$(printf 'sealed/bundles/%08d.json' "$n")" "$digest" "$token" || echo "that of bundle $n does not hold"
done < "$t/due" > "$t/x"
report "$t/x" timestamps "$(($(grep -c '' "$t/due") - $(grep -c '' "$t/unstamped"))) of $bundles bundles have one"
[ -f "$t/roots" ] || [ ! -s "$t/due" ] || echo "note    timestamps: by the authorities' own word; give their root certificates with --tsa-ca"

# 6. Objects, 2,000 at a time: unfolded, each is what its name says. Kept of them: who names whom.
want='^[.](base|confirmed|packs@|.*[.]body)$'
find sealed/objects -type f 2> /dev/null | grep -Ex 'sealed/objects/(..)/\1[0-9a-f]{62}[.]gz' | split -a 4 -l 2000 - "$t/part."
for part in "$t"/part.*; do
  [ -f "$part" ] || continue
  rm -rf "$t/o"; mkdir "$t/o"
  xargs sh -c 'to=$1; shift; exec cp "$@" "$to"' sh "$t/o" < "$part" 2> /dev/null || stop 'the temporary folder is full'
  (ulimit -f 131072; find "$t/o" -name '*.gz' -exec gzip -d {} +) 2> /dev/null # none has more than 64 MiB
  sed "s|.*/\(.*\)[.]gz|\1  $t/o/\1|" "$part" > "$t/names"
  $sum -c "$t/names" 2> /dev/null | sed -n 's|.*/\(.*\): OK$|\1|p' >> "$t/sound"
  find "$t/o" -type f -exec grep -lE '^\{"base":|"confirmed":"|"body":"' {} + | xargs awk "function wanted(at) { return at ~ /$want/ } $json" /dev/null >> "$t/edges"
done

# 7. Everything is there that is named: by manifests; by an index, its base and its packs; by
#    calls, what a service confirmed; by an index of answers, their bodies. An archive that was
#    redacted has the control files and the keys alone.
without=''
if [ -e redaction.json ]; then
  without=', WITHOUT ITS EVIDENCE (redacted)'
  awk '$3 ~ /^[.]controls@[.]digest$|^[.]signature[.]/' "$t/facts" > "$t/x" && mv "$t/x" "$t/facts"
  echo 'note    redacted: what was collected, and what came out, is not in here as it was sealed; nothing that is shown of it can be checked with this archive alone'
fi
awk 'function need(kind, d) { if (d != "null" && !((kind, d) in seen)) { seen[kind, d] = 1; todo[++last] = kind; name[last] = d } }
  length($2) == 64 { if (length($4) == 64) { e = ++edges[$2]; place[$2, e] = $3; to[$2, e] = $4 }; next }
  $3 ~ /[.]calls[.]chunks$/ { need("calls", $4); next }
  $3 ~ /[.]chunks$/ { need("list", $4); next }
  $3 ~ /[.]answers$/ { need("answers", $4); next }
  $3 ~ /[.](receipts|kept)$|^[.](controls@|waivers)[.]digest$|^[.]signature[.](key|signers@)$/ { need("plain", $4) }
  END { for (i = 1; i <= last; i++) { kind = todo[i]; d = name[i]; print d
    for (e = 1; e <= edges[d]; e++) { p = place[d, e]
      if (kind == "list" || kind == "calls") { if (p == ".base") need(kind, to[d, e]); else if (p == ".packs@") need(kind == "calls" ? "trace" : "plain", to[d, e]) }
      else if (kind == "answers" ? p ~ /body$/ : kind == "trace" && p == ".confirmed") need("plain", to[d, e]) } } }' "$t/facts" "$t/edges" > "$t/names" &&
  sort -u "$t/names" > "$t/named" || stop 'the objects cannot be gone through'
without "$t/named" "$t/sound" | while read -r digest; do
  if [ -f "$(object "$digest")" ]; then echo "$digest is not what its name says"; else echo "$digest is missing"; fi
done > "$t/x"
report "$t/x" objects "$(grep -c '' "$t/named") are named, all are there, each is what its name says"
extra=$(without "$t/sound" "$t/named" | grep -c '')
[ "$extra" = 0 ] || echo "note    objects: $extra lie here that nothing names; they change nothing"

if [ "$broken" -gt 0 ]; then echo "BROKEN: $broken of 6 checks failed; keep this archive as it is, and compare it with a copy"; exit 4; fi
echo "INTACT$without: $bundles bundles, head $head"
