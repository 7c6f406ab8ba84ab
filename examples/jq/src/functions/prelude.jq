# What jq 1.6 defines and the interpreter does not, or defines otherwise.

def tostring: if isstring then . else tojson end;
def replaced($from; $to): . / $from | reduce .[] as $part (null; (if . == null then "" else . + $to end) + $part) // "";

def @text: tostring;
def @json: tojson;
def @html: tostring | replaced("&"; "&amp;") | replaced("<"; "&lt;") | replaced(">"; "&gt;")
  | replaced("'"; "&apos;") | replaced("\""; "&quot;");
def @uri: tostring | encode_uri;
def @base64: tostring | encode_base64;
def @base64d: tostring | decode_base64;
def @sh: [if isarray then .[] end
  | if isstring then "'" + replaced("'"; "'\\''") + "'"
    elif isarray or isobject then error("\(type) (\(tojson)) can not be escaped for shell")
    else tojson end] | join(" ");
def @csv: if isarray then . else error("\(type) (\(tojson)) cannot be csv-formatted, only an array can be") end
  | [.[] | if . == null then ""
    elif isstring then "\"" + replaced("\""; "\"\"") + "\""
    elif isarray or isobject then error("\(type) (\(tojson)) is not valid in a csv row")
    else tojson end] | join(",");
def @tsv: if isarray then . else error("\(type) (\(tojson)) cannot be tsv-formatted, only an array can be") end
  | [.[] | if . == null then ""
    elif isstring then replaced("\\"; "\\\\") | replaced("\t"; "\\t") | replaced("\n"; "\\n") | replaced("\r"; "\\r")
    elif isarray or isobject then error("\(type) (\(tojson)) is not valid in a tsv row")
    else tojson end] | join("\t");

def join($x): reduce .[] as $item (null;
  (if . == null then "" else . + $x end)
  + ($item | if . == null then "" elif isstring then . else tojson end)) // "";
def ascii: [.] | implode;
def isvalid(f): try (f | true) catch false;

# Fields keep their order when others go.
def delpaths($paths): delete_paths($paths);
def del(f): delpaths([path(f)]);

def from_entries: reduce .[] as $entry ({};
  . + {($entry | .key // .k // .name // .Name // .K // .Key
        | if isstring then . else tojson end):
       ($entry | if has("value") then .value else .Value end)});
def with_entries(f): to_entries | map(f) | from_entries;
def walk(f): . as $in
  | if isobject then reduce keys_unsorted[] as $key ({}; . + {($key): ($in[$key] | walk(f))}) | f
    elif isarray then map(walk(f)) | f
    else f end;
def leaf_paths: paths(scalars);
def tostream: path(def r: (.[]? | r), .; r) as $p
  | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; . + {($row | f | tostring): $row});
def INDEX(f): INDEX(.[]; f);

def stderr: (tojson | tell as $x | .), .;
def debug: ((["DEBUG:", .] | tojson + "\n") | tell as $x | .), .;
def debug(msgs): ((msgs | ["DEBUG:", .] | tojson + "\n") | tell as $x | .), .;
def halt_error($status): (if isstring then . else tojson + "\n" end | tell), halt($status);
def halt_error: halt_error(5);
