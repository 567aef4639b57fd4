using System.CommandLine;

namespace Monge.Cli.Commands;

/// <summary><c>monge completion SHELL</c>: prints the script that makes a shell complete the command line.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # Completion of monge for bash. To use it:  source <(monge completion bash)
        _monge_complete() {
            local line="${COMP_LINE:0:COMP_POINT}"
            local suggestions
            suggestions="$(monge "[suggest:${COMP_POINT}]" "${line}" 2>/dev/null)"
            COMPREPLY=($(compgen -W "${suggestions}" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _monge_complete monge
        """;

    private const string Zsh = """
        # Completion of monge for zsh. To use it:  source <(monge completion zsh)
        _monge() {
            local -a suggestions
            suggestions=("${(@f)$(monge "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            compadd -- "${suggestions[@]}"
            _files
        }
        compdef _monge monge
        """;

    private const string Fish = """
        # Completion of monge for fish. To use it:  monge completion fish | source
        complete -c monge -a '(monge "[suggest:"(string length (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
        """;

    private const string PowerShell = """
        # Completion of monge for PowerShell. To use it:  monge completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName monge -ScriptBlock {
            param($word, $commandAst, $cursorPosition)
            monge "[suggest:$cursorPosition]" "$commandAst" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish or pwsh.", HelpName = "SHELL" };
        string[] shells = ["bash", "zsh", "fish", "pwsh"];
        shell.CompletionSources.Add(shells);
        var command = new Command("completion", "Print the script that makes a shell complete monge's commands, targets and options.") { shell };
        HelpExamples.Add(command, ("source <(monge completion bash)", "complete in this bash"), ("monge completion fish | source", "complete in this fish"));
        command.SetAction(result =>
        {
            var script = result.GetRequiredValue(shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                "fish" => Fish,
                "pwsh" => PowerShell,
                var other => throw CommandException.Usage(UnknownName.Sentence("shell", other, shells, "monge completion --help")),
            };
            result.InvocationConfiguration.Output.WriteLine(script);
        });
        return command;
    }
}
