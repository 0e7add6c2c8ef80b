import type { Command } from "./command.ts";

const COMMON = ["--json", "--help"];

function words({ words: own = [], options }: Command): string {
  return [...own, ...Object.keys(options).map((name) => `--${name}`), ...COMMON].join(" ");
}

function fileOptions(commands: readonly Command[]): string {
  const names = commands.flatMap(({ options }) =>
    Object.entries(options).flatMap(([name, { value, short }]) =>
      value === "FILE" ? [`--${name}`, ...(short === undefined ? [] : [`-${short}`])] : [],
    ),
  );
  return [...new Set(names)].join("|");
}

function cases(commands: readonly Command[]): string {
  return commands.map((command) => `    ${command.name}) words="${words(command)}" ;;`).join("\n");
}

/** A script for bash. */
export function bashCompletion(commands: readonly Command[]): string {
  return `_bakehouse() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=
  case $before in
    ${fileOptions(commands)}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")} --help --version"
  else case \${COMP_WORDS[1]} in
${cases(commands)}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _bakehouse bakehouse`;
}

/** A script for zsh. */
export function zshCompletion(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''")}'`);
  return `#compdef bakehouse
_bakehouse() {
  local chosen=\${words[2]} before=\${words[CURRENT-1]} offered=
  case $before in
    ${fileOptions(commands)}) _files; return ;;
  esac
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(
${described.join("\n")}
    )
    _describe command commands
    return
  fi
  case $chosen in
${cases(commands).replaceAll("words=", "offered=")}
  esac
  compadd -- \${=offered}
}
compdef _bakehouse bakehouse`;
}

/** A script for fish. */
export function fishCompletion(commands: readonly Command[]): string {
  const lines = ["complete -c bakehouse -f"];
  for (const { name, summary, options, words: own = [] } of commands) {
    const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
    const inside = `-n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
    lines.push(`complete -c bakehouse -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`);
    if (own.length > 0) lines.push(`complete -c bakehouse ${inside} -a ${quote(own.join(" "))}`);
    for (const [option, { help, value, short, type }] of Object.entries(options)) {
      const letter = short === undefined ? "" : ` -s ${short}`;
      const needs = type === "boolean" ? "" : value === "FILE" ? " -r -F" : " -x";
      lines.push(`complete -c bakehouse ${inside} -l ${option}${letter}${needs} -d ${quote(help)}`);
    }
    lines.push(`complete -c bakehouse ${inside} -l json -d ${quote("print JSON")}`);
  }
  return lines.join("\n");
}
