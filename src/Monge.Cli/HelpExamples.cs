using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace Monge.Cli;

/// <summary>Adds a list of examples at the end of a command's help.</summary>
internal static class HelpExamples
{
    private static readonly ConditionalWeakTable<Command, (string Line, string Meaning)[]> s_examples = [];

    /// <summary>Notes the examples of a command.</summary>
    public static void Add(Command command, params (string Line, string Meaning)[] examples) => s_examples.AddOrUpdate(command, examples);

    /// <summary>Makes the help of a root command print the examples of the command that is asked about.</summary>
    public static void Install(RootCommand root)
    {
        foreach (var option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction help })
            {
                option.Action = new HelpWithExamples(help);
            }
        }
    }

    private sealed class HelpWithExamples(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var code = inner.Invoke(parseResult);
            if (s_examples.TryGetValue(parseResult.CommandResult.Command, out var examples))
            {
                var output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                var width = examples.Max(e => e.Line.Length);
                foreach (var (line, meaning) in examples)
                {
                    output.WriteLine($"  {line.PadRight(width)}  {meaning}");
                }

                output.WriteLine();
            }

            return code;
        }
    }
}
