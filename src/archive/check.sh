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
LC_ALL=C; export LC_ALL; unset CDPATH; full='the temporary folder is full' broken=0
stop() { echo "check.sh: $*" >&2; exit 2; }
if command -v sha256sum > /dev/null; then sum=sha256sum; else sum='shasum -a 256'; fi
for tool in ${sum%% *} openssl gzip awk od xargs; do command -v "$tool" > /dev/null || stop "there is no $tool here"; done
t=$(mktemp -d) && t=$(cd "$t" && pwd) || stop 'no temporary folder can be made'
trap 'rm -rf "$t"' EXIT
trap 'exit 130' HUP INT TERM
for file in given right edges sound seen unstamped files.listed; do : > "$t/$file" || stop "$full"; done
fingerprint() { # of a public key: the SHA-256 of its DER form
  for form in PEM DER; do openssl pkey -pubin -passin pass: -inform "$form" -in "$1" -outform DER -out "$t/der" 2> /dev/null && break; done && $sum < "$t/der" > "$t/sum" && cut -c1-64 "$t/sum"
}

folder=$(dirname "$0")
while [ $# -gt 0 ]; do
  case $1 in --head | --key | --tsa-ca) [ $# -gt 1 ] || stop "$1 needs a value" ;; esac
  case $1 in
    --head) # "H number digest" or "H digest"
      printf '%s\n' "$2" | tr A-F a-f | grep -Ex ' *([0-9]{1,8}[: ]+)?(sha256:)?[0-9a-f]{64} *' > "$t/x" || stop "--head: $2 is no head"
      sed 's/sha256://; s/:/ /; s/^ *0*\([0-9]* \)/H \1/; s/^[^H]/H &/' "$t/x" >> "$t/given" || stop "$full"; shift ;;
    --key) # "K fingerprint"
      printf '%s\n' "$2" | tr A-F a-f | sed 's/^sha256://' | grep -Ex '[0-9a-f]{64}' > "$t/x" ||
        fingerprint "$2" > "$t/x" || stop "--key: $2 is neither a public key nor a fingerprint"
      sed 's/^/K /' "$t/x" >> "$t/given" || stop "$full"; shift ;;
    --tsa-ca) grep 'BEGIN CERT' "$2" > "$t/x" 2> /dev/null || stop "--tsa-ca: $2 holds no certificate"
      cat "$2" > "$t/roots" || stop "$full"; shift ;;
    -*) stop "there is no option $1; the first lines of check.sh say which there are" ;;
    *) folder=$1 ;;
  esac
  shift
done
cd "$folder" 2> /dev/null && { [ -d sealed ] || [ -f SHA256SUMS ]; } || stop "$folder is no archive: there is no sealed/ in it"

clean() { tr -c '\012\040-\176' '?'; } # what an archive says must not reach the terminal's controls
report() { # a file with a line for each fault, the name of the check, what it means that there is none
  if [ -s "$1" ]; then
    broken=$((broken + 1))
    sed -n "1,20s/^/BROKEN  $2: /p" "$1" | clean
    [ "$(grep -c '' "$1")" -le 20 ] || echo "BROKEN  $2: $(grep -c '' "$1") in all"
  else echo "ok      $2: $3"; fi
}
broken_end() { echo "BROKEN: $broken of 6 checks failed$1; keep this archive as it is, and compare it with a copy"; exit 4; }
say() { echo "$*" || stop "$full"; } # a fault, into a file
without() { awk 'FILENAME == ARGV[1] { there[$0] = 1; next } !($0 in there)' "$2" "$1"; } # lines of a file that are not in another
object() { echo "sealed/objects/${1%"${1#??}"}/$1.gz"; }

# 1. Every file is what SHA256SUMS says, and there is none besides. A pipe or a link could lead
#    anywhere, and a name with a line feed pass for two others: then nothing is opened.
find . ! -type d ! -type f -o -name '*[! -~]*' -o -name '*\\*' > "$t/x" && find . -type f > "$t/names" && sort "$t/names" > "$t/files" &&
  sed 's/$/ is neither a file nor a folder, or has a name that no archive has/' "$t/x" > "$t/odd" || stop 'the folder cannot be gone through'
[ ! -s "$t/odd" ] || { report "$t/odd" files; broken_end ', and nothing else was opened'; }
{
  for name in bundles objects seals; do [ ! -e "$name" ] || say "$name lies beside sealed/, and is no part of an archive"; done
  for file in certificates/*.pub.pem; do [ ! -f "$file" ] || [ "$file" = "certificates/$(fingerprint "$file").pub.pem" ] || say "$file is not the key of that fingerprint"; done
  if [ -f SHA256SUMS ]; then
    awk 'FILENAME == ARGV[1] { file[++files] = $0; there[$0] = 1; next }
      substr($0, 1, 64) ~ /[^0-9a-f]/ || substr($0, 65, 2) != "  " || length($0) < 67 { print "SHA256SUMS has a line of another form: " $0; next }
      { name = "./" substr($0, 67); fault = name in listed ? " is in SHA256SUMS twice" : name in there ? "" : " is in SHA256SUMS, and is missing"; listed[name] = 1 }
      { if (fault != "") print substr(name, 3) fault; else print substr($0, 1, 66) name > (ARGV[1] ".listed") }
      END { listed["./SHA256SUMS"] = 1; for (i = 1; i <= files; i++) if (!(file[i] in listed)) print substr(file[i], 3) " is not in SHA256SUMS" }' \
      "$t/files" SHA256SUMS || stop 'SHA256SUMS cannot be gone through'
    $sum -c "$t/files.listed" 2> /dev/null > "$t/said"
    sed '/: OK$/d; s/^..//' "$t/said" || stop "$full"
    [ "$(grep -c '' "$t/said")" = "$(grep -c '' "$t/files.listed")" ] || say 'not every file could be read'
  else say 'SHA256SUMS is missing'; fi
} > "$t/x"
report "$t/x" files 'each is what SHA256SUMS says, and there is none besides'
echo 'note    files: tables and reports are sealed by nobody, SHA256SUMS neither; README.txt says more'

# 2. What the manifests say, a line for each value that is wanted: "F file place value", where a place
#    is like .slices@.records.chunks; "F file end" where the JSON ends, "F file cut" where it does not.
#    Quotes cut JSON into strings and what stands between them. None of ours is deeper than 64, or has
#    a million signs between two strings, or is a manifest of 16 MiB; of strings, 300 signs do.
json='BEGIN { RS = "\"" }
  function give(value) { gsub(/[ \t\r\n]/, "_", value); if (wanted(at[d])) print "F", name, at[d], value; string = 0; word = "" }
  function close_file() { if (!cut && (d || string || word != "")) print "F", name, "cut" }
  FNR == 1 { close_file(); name = FILENAME; gsub(/.*\/|[.].*/, "", name); if (length(name) == 8) sub(/^0+/, "", name); d = inside = string = cut = 0; word = "" }
  cut { next }
  { n = length($0) }
  inside { text = substr(text $0, 1, 300)
    tail = n > 99 ? substr($0, n - 98) : $0; sub(/.*[^\\]/, "", tail)
    if (length(tail) % 2) text = substr(text "\"", 1, 300); else { inside = 0; string = 1 }; next }
  { for (from = 1; from <= n; from += 500) { piece = substr($0, from, 500); m = length(piece)
      for (i = 1; i <= m; i++) { c = substr(piece, i, 1)
        if (c == "{" || c == "[") { of[d + 1] = at[d]; d++; at[d] = of[d] "@"; string = 0 }
        else if (c == ":") { gsub(/[ \t\r\n]/, "_", text); at[d] = of[d] "." text; string = 0 }
        else if (c == "," || c == "}" || c == "]") { if (string) give(text); else if (word != "") give(word); if (c != "," && --d == 0) print "F", name, "end" }
        else if (c !~ /[ \t\r\n]/ && length(word) < 99) word = word c
        if (d > 64 || from > 1000000) { print "F", name, "cut"; cut = 1; next } } }
    inside = 1; text = "" }
  END { close_file() }'
list='(slices@|sources@|results|sample)[.](records|calls|list|statuses|population|items)[.](chunks|receipts)'
want="^[.](previous|sequence|run|format|kind|signature|signature[.].*|timestamps[.].*|$list|slices@[.]kept|sources@[.]answers|(controls@|waivers)[.]digest)\$"
sed -n 's|^[.]/\(sealed/bundles/[0-9]\{8\}[.]json\)$|\1|p' "$t/files" > "$t/x" && sed '/00000000/d' "$t/x" > "$t/manifests" &&
  find . -type f -size +32768 > "$t/x" && sed 's/^..//' "$t/x" > "$t/large" && without "$t/manifests" "$t/large" > "$t/small" &&
  xargs $sum /dev/null < "$t/manifests" > "$t/x" && sed -n 's|^\([0-9a-f]*\) .*/0*\([0-9]*\)[.]json$|D \2 \1|p' "$t/x" > "$t/digests" &&
  xargs awk "function wanted(at) { return at ~ /$want/ } $json" /dev/null < "$t/small" > "$t/facts" &&
  cat "$t/digests" "$t/facts" > "$t/all" || stop 'the manifests cannot be gone through'

# 3. Signatures that fit ("R number"), each by the object that the manifest names as its key: a key on
#    P-256, in its one form.
awk '$1 == "D" { digest[$2] = $3 } $3 == ".signature.key" { key[$2] = $4 }
  END { for (n in key) if (length(key[n]) == 64 && key[n] !~ /[^0-9a-f]/) print n, digest[n], key[n] }' "$t/all" > "$t/signed" || stop 'the signatures cannot be gone through'
while read -r n digest key; do
  if [ ! -f "$t/$key.pem" ]; then
    gzip -dc "$(object "$key")" 2> /dev/null | dd bs=1024 count=1 2> /dev/null > "$t/der"; : > "$t/$key.pem"
    case $($sum < "$t/der" | cut -c1-64)-$(od -An -v -tx1 "$t/der" | tr -d ' \n') in
      "$key"-3059301306072a8648ce3d020106082a8648ce3d03010703420004*) openssl pkey -pubin -inform DER -in "$t/der" -out "$t/$key.pem" 2> /dev/null ;;
    esac
  fi
  # openssl reads 72 bytes and no more, which is the most that such a signature has
  [ -f "sealed/seals/$digest.sig" ] && [ "$(wc -c < "sealed/seals/$digest.sig")" -le 72 ] &&
    openssl dgst -sha256 -verify "$t/$key.pem" -signature "sealed/seals/$digest.sig" "$(printf 'sealed/bundles/%08d.json' "$n")" > /dev/null 2>&1 &&
    say "R $n" >> "$t/right"
done < "$t/signed"

# 4. The chain: numbers without a hole, each manifest names the digest of the one before. Once signed,
#    always signed, by a key that the one before allows; a key that was given covers what it leads to.
awk 'function bad(what) { print n ? check " bundle " n " " what : check " " what }
  $1 == "H" { heads++; number[heads] = NF > 2 ? $2 : 0; head[heads] = $NF }
  $1 == "K" { given[$2] = 1; keys++ }
  $1 == "R" { fits[$2] = 1 }
  $1 == "D" { bundle[++count] = $2; digest[$2] = $3; place[$3] = $2 }
  $1 == "F" { says[$2, $3] = $4; if ($3 == "end") ends[$2]++; if ($3 == "cut" || several[$2] > 99) ends[$2] = 2
    if ($3 == ".signature.signers@" && ++several[$2] < 100) { signers[$2] = signers[$2] " " $4; may[$2, $4] = 1 } }
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
      if (n in fits && !(key in by)) { by[key] = 1; print "by", key }
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
  "$t/given" "$t/right" "$t/all" > "$t/found" && grep '^=' "$t/found" > "$t/x" && read -r _ bundles signed pinned head < "$t/x" || stop 'the manifests cannot be gone through'
sed -n 's/^chain //p' "$t/found" > "$t/x" || stop "$full"
report "$t/x" chain "$bundles bundles, none missing, each names the one before"
sed -n 's/^heads //p' "$t/found" > "$t/x" || stop "$full"
if [ "$pinned" = 1 ] || [ -s "$t/x" ]; then report "$t/x" heads 'the newest bundle is one that was given'
else echo "note    heads: none was given for the newest bundle; compare with what was kept elsewhere: $head"; fi
sed -n 's/^signatures //p' "$t/found" > "$t/x" || stop "$full"
if [ "$signed" = 0 ] && [ ! -s "$t/x" ]; then
  echo 'note    signatures: there are none; whoever can write this could have made all of it so that it fits together'
else report "$t/x" signatures "$signed of $bundles bundles are signed, by keys that might"; fi
grep -q '^K' "$t/given" || sed -n 's|^by \(.*\)|note    signatures: by key \1, which lies here too; ask its owner for its fingerprint, and give that with --key|p' "$t/found"

# 5. Timestamps: a token is over its manifest, and is the one that a later manifest has seen. By the
#    certificate in the token; with --tsa-ca it has to end at those roots, at the token's own time.
epoch='{ split($3, h, ":"); y = $4; m = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3; if (m < 3) { m += 12; y-- }
  days = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + $2 - 719469
  printf "%d", days * 86400 + h[1] * 3600 + h[2] * 60 + int(h[3]) }'
holds() { # manifest, its digest, token, and nothing behind it
  size=$(openssl asn1parse -inform DER -in "$3" 2> /dev/null | sed -n '1s/.*hl= *\([0-9]*\) *l= *\([0-9]*\) .*/\1 + \2/p')
  [ $((${size:-0})) -eq "$(wc -c < "$3")" ] || return
  openssl cms -verify -noverify -inform DER -in "$3" -out "$t/info" > /dev/null 2>&1 || return
  od -An -v -tx1 "$t/info" | tr -d ' \n' | grep -q "0420$2" || return
  [ -f "$t/roots" ] || return 0
  set -- -data "$1" -in "$3" -token_in -CAfile "$t/roots"
  openssl ts -verify "$@" > /dev/null 2>&1 && return
  openssl ts -verify "$@" -attime "$(openssl ts -reply -in "$4" -token_in -text 2> /dev/null | sed -n 's/^Time stamp: //p' | awk "$epoch")" > /dev/null 2>&1
}
awk '$1 == "D" { digest[$2] = $3 } $3 == ".timestamps.authorities@" { due[$2] = 1 } $3 == ".timestamps.tokens@.digest" { token = $4 }
  $3 == ".timestamps.tokens@.sequence" && !($4 in seen) { seen[$4] = token }
  END { for (n in due) print n, digest[n], seen[n] }' "$t/all" > "$t/x" && sort -n "$t/x" > "$t/due" || stop 'the timestamps cannot be gone through'
while read -r n digest seen; do
  token=sealed/seals/$digest.tst
  if [ ! -f "$token" ]; then
    if [ -n "$seen" ]; then say "that of bundle $n is missing, and a later bundle has seen it"; else say "$n" >> "$t/unstamped"; fi
    continue
  fi
  [ -z "$seen" ] || [ "$($sum < "$token" | cut -c1-64)" = "$seen" ] || say "that of bundle $n is not the one that a later bundle has seen"
  holds "$(printf 'sealed/bundles/%08d.json' "$n")" "$digest" "$token" || say "that of bundle $n does not hold"
done < "$t/due" > "$t/x"
report "$t/x" timestamps "$(($(grep -c '' "$t/due") - $(grep -c '' "$t/unstamped"))) of $bundles bundles have one"
[ -f "$t/roots" ] || [ ! -s "$t/due" ] || echo "note    timestamps: by the authorities' own word; give their root certificates with --tsa-ca"

# 6. Objects, in rounds: those that manifests name, then those that these name, and so on: an index
#    its base and its packs; a call in a pack what a service confirmed; an index of answers their
#    bodies. No other object is opened. An archive that was redacted has the control files and the
#    keys alone.
lost='the objects cannot be gone through' redacted='' round=0
if [ -e redaction.json ]; then
  grep -q '"format" *: *"tickmark-redaction/1"' redaction.json 2> /dev/null || echo 'redaction.json does not say tickmark-redaction/1' > "$t/odd"
  redacted=', WITHOUT ITS EVIDENCE (redacted)'
  awk '$3 ~ /^[.]controls@[.]digest$|^[.]signature[.]/' "$t/facts" > "$t/x" && cat "$t/x" > "$t/facts" || stop "$full"
  echo 'note    redacted: what was collected, and what came out, is not in here as it was sealed; nothing that is shown of it can be checked with this archive alone'
fi
want='^[.](base|packs@|.*[.]body)$'
names='$4 == "null" { next }
  $3 ~ /[.](chunks|answers)$|^[.]base$/ { print "index", $4 }
  $3 == ".packs@" { print "pack", $4 }
  $3 ~ /[.](receipts|kept|body|confirmed)$|^[.](controls@|waivers)[.]digest$|^[.]signature[.](key|signers@)$/ { print "plain", $4 }'
sed -n 's|^[.]/\(sealed/objects/\(..\)/\2[0-9a-f]\{62\}[.]gz\)$|\1|p' "$t/files" > "$t/x" && xargs wc -c /dev/null < "$t/x" > "$t/sizes" || stop "$lost"
while :; do
  awk "$names" "$t/facts" "$t/edges" > "$t/names" && sort -u "$t/names" > "$t/x" && without "$t/x" "$t/seen" > "$t/new" || stop "$lost"
  [ -s "$t/new" ] && [ $((round += 1)) -le 70 ] || break
  # in parts: gzip folds to a thousandth at most, so that none unfolds to more than a GiB or so
  cat "$t/new" >> "$t/seen" && rm -f "$t"/sizes.* && awk 'FILENAME == ARGV[1] { size[substr($2, 19, 64)] = $1; next }
    $2 in size { s = size[$2] < 65536 ? size[$2] : 65536; sum += s; if (!parts || sum > 524288) { close(part); part = ARGV[1] "." ++parts; sum = s }; print > part }' "$t/sizes" "$t/new" || stop "$lost"
  for part in "$t"/sizes.*; do [ -f "$part" ] || continue
    sed 's|^[a-z]* \(..\)|sealed/objects/\1/\1|; s/$/.gz/' "$part" > "$t/x" && sort -u "$t/x" > "$t/paths" && rm -rf "$t/o" && mkdir "$t/o" &&
      xargs sh -c 'to=$1; shift; exec cp "$@" "$to"' sh "$t/o" < "$t/paths" || stop "$full"
    # none has more than 64 MiB; where one ends gzip, the others follow one by one
    (cd "$t/o" && ulimit -f 131072 && { find . -name '*.gz' -exec gzip -d {} + ; find . -name '*.gz' -exec gzip -d {} \; ; }) 2> "$t/said"
    ! grep -qi 'no space left' "$t/said" || stop "$full"
    sed 's|.*/\(.*\)[.]gz|\1  \1|' "$t/paths" > "$t/x" || stop "$full"
    (cd "$t/o" && $sum -c "$t/x") > "$t/said" 2> /dev/null
    [ "$(grep -c '' "$t/said")" = "$(grep -c '' "$t/x")" ] && sed -n 's/: OK$//p' "$t/said" > "$t/right" && cat "$t/right" >> "$t/sound" &&
      : > "$t/right.index" && : > "$t/right.pack" && awk 'FILENAME == ARGV[1] { right[$1]; next } $2 in right { print $2 > (ARGV[1] "." $1) }' "$t/right" "$part" &&
      (cd "$t/o" && xargs awk "function wanted(at) { return at ~ /$want/ } $json" /dev/null < "$t/right.index" &&
        xargs awk '{ i = index($0, ",\"confirmed\":\"") } i && /^[{]"(absent|attempts)":/ { print "F - .confirmed", substr($0, i + 14, 64) }' /dev/null < "$t/right.pack") >> "$t/edges" || stop "$lost"
  done
done
awk 'FILENAME == ARGV[1] { if (length($2) == 85) { there[substr($2, 19, 64)]; extra++ }; next }
  FILENAME == ARGV[2] { sound[$1]; next }
  $1 == "F" { if ($3 == "end") ends[$2]++; if ($3 == "cut") ends[$2] = 2; next }
  FILENAME == ARGV[5] { print $2, "is named over more others than any"; next }
  !($2 in told) { told[$2]; named++; if ($2 in there) extra--; if (!($2 in sound)) print $2, $2 in there ? "is not what its name says" : "is missing" }
  $1 == "index" && $2 in sound && ends[$2] != 1 { print $2, "is no whole index" }
  END { print "=", named + 0, extra + 0 }' "$t/sizes" "$t/sound" "$t/edges" "$t/seen" "$t/new" > "$t/found" &&
  grep '^=' "$t/found" > "$t/x" && read -r _ named extra < "$t/x" && sed '/^=/d' "$t/found" > "$t/x" || stop "$lost"
[ -z "$redacted" ] || [ "$extra" = 0 ] || echo "$extra lie here that are neither control files nor keys, though the evidence is said to be left out" >> "$t/odd"
[ ! -f "$t/odd" ] || cat "$t/odd" >> "$t/x"
report "$t/x" objects "$named are named, all are there, each is what its name says"
[ -n "$redacted" ] || [ "$extra" = 0 ] || echo "note    objects: $extra lie here that nothing names; they change nothing"

[ "$broken" = 0 ] || broken_end
echo "INTACT$redacted: $bundles bundles, head $head"
