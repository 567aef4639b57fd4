using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Cli.Runs;
using Monge.Data;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary><c>monge generate MODEL</c>: draws rows.</summary>
internal sealed class GenerateCommand
{
    private readonly Argument<string> _model = GenerationFiles.Model();
    private readonly Option<int> _count = CommandOptions.Integer("--samples", "Rows to draw.", 1000, 1, 100_000_000);
    private readonly Option<string?> _from =
        new("--from") { Description = "Rows of the base to start from, one draw for each; needed when the base is a table.", HelpName = "DATA2" };
    private readonly Option<string?> _out = GenerationFiles.Out("the rows");
    private readonly Option<string?> _format = DrawOutput.Format("The format of the file. [default: that of its ending]");
    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly CarryOptions _carry = new(withSde: true);
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<bool> _json = CommandOptions.Json("one object with what was done");

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var generate = new GenerateCommand();
        generate._count.Aliases.Add("-n");
        var command = new Command("generate", "Draw rows from a fitted model.")
        {
            generate._model, generate._count, generate._out, generate._format, generate._from, generate._seed, generate._json, generate._drop,
            generate._layout,
        };
        generate._carry.AddTo(command);
        HelpExamples.Add(
            command,
            ("monge generate m.safetensors -n 1000 -o s.csv", "a thousand rows as a table"),
            ("monge generate m.safetensors -n 100000 --steps 20 -o s.npy", "fast: twenty steps"),
            ("monge generate m.safetensors --sde 0.5 --steps 500 -o s.csv", "along the SDE, for models with a score"),
            ("monge generate m.safetensors --given label=7 --guidance 2 -o s.npy", "one class, sharpened"),
            ("monge generate m.safetensors --given job=nurse --given children=2 -o s.csv", "rows of a table with types, some columns given"),
            ("monge generate map.safetensors --from before.csv -o after.csv", "from rows of the base"));
        command.SetWork((parsed, _) => generate.Run(parsed));
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var model = GenerationFiles.Load(parsed.GetRequiredValue(_model));
        var (table, start) = parsed.GetValue(_from) is not { } from ? (null, null)
            : model.Table is null ? GenerationFiles.Rows(from, model, parsed.GetValue(_layout), parsed.GetValue(_drop))
            : throw CommandException.Usage("A model of a table with types starts from Gaussian draws; leave --from out.");
        var count = start is null ? parsed.GetValue(_count) : start.Length / model.Dimension;
        var output = parsed.GetValue(_out);
        var clock = Stopwatch.StartNew();
        var settings = _carry.Settings(parsed, model, table) with { Seed = parsed.GetValue(_seed) };
        var rows = model.Table is null ? DataTable.From(model.Generate(count, settings, start), model.Dimension, model.Columns, "the rows drawn")
            : new TableModel(model).Generate(count, settings, _carry.Given(parsed));
        var seconds = clock.Elapsed.TotalSeconds;
        if (output is null && parsed.GetValue(_json))
        {
            throw CommandException.Usage("With --json the rows need a file; give one with --out.");
        }

        if (output is null)
        {
            rows.WriteText(parsed.InvocationConfiguration.Output);
            return ExitCodes.Success;
        }

        DrawOutput.WriteRows(output, parsed.GetValue(_format), rows);
        if (parsed.GetValue(_json))
        {
            parsed.InvocationConfiguration.Output.WriteLine(JsonOutput.Line(new JsonObject
            {
                ["rows"] = count,
                ["columns"] = ResultText.Json(rows.Order),
                ["seconds"] = Math.Round(seconds, 4),
                ["out"] = output,
            }));
        }
        else
        {
            parsed.InvocationConfiguration.Output.WriteLine(FormattableString.Invariant($"{count} rows in {seconds:F2} s are in {output}"));
        }

        return ExitCodes.Success;
    }
}
