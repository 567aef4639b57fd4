using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Cli.Runs;
using Monge.Data;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary><c>monge generate MODEL</c>: draws rows.</summary>
internal sealed class GenerateCommand
{
    private readonly EvolutionProblem? _own;
    private readonly Argument<string> _model = GenerationFiles.ModelOrEvolution();
    private readonly Option<int> _count = CommandOptions.Integer("--samples", "Rows to draw.", 1000, 1, 100_000_000);
    private readonly Option<string?> _from =
        new("--from") { Description = "Rows of the base to start from, one draw for each; needed when the base is a table.", HelpName = "DATA2" };
    private readonly Option<string?> _out = GenerationFiles.Out("the rows");
    private readonly Option<string?> _format = DrawOutput.Format("The format of the file. [default: that of its ending]");
    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly Option<double?> _at = EvolutionFiles.At();
    private readonly CarryOptions _carry = new(withSde: true);
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<bool> _json = CommandOptions.Json("one object with what was done");

    private GenerateCommand(EvolutionProblem? own) => _own = own;

    /// <summary>Makes the command.</summary>
    /// <param name="own">The evolution of the program that runs, if it brings one.</param>
    public static Command Create(EvolutionProblem? own)
    {
        var generate = new GenerateCommand(own);
        generate._count.Aliases.Add("-n");
        var command = new Command("generate", "Draw rows from a fitted model, or from an evolution's law at a time.")
        {
            generate._model, generate._count, generate._out, generate._format, generate._at, generate._from, generate._seed, generate._json, generate._drop,
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
            ("monge generate map.safetensors --from before.csv -o after.csv", "from rows of the base"),
            ("monge generate runs/ou-2-seed1 --at 0.5 -o s.csv", "samples of an evolution's law at t = 0.5"));
        command.SetWork((parsed, _) => generate.Run(parsed));
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var clock = Stopwatch.StartNew();
        var (rows, at) = EvolutionFiles.TryLoad(parsed.GetRequiredValue(_model), _own, parsed.GetValue(_at)) is { } evolution
            ? Draw(parsed, evolution, clock) : (Draw(parsed, GenerationFiles.Load(parsed.GetRequiredValue(_model)), clock), null);
        var seconds = clock.Elapsed.TotalSeconds;
        var output = parsed.GetValue(_out);
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
            var told = new JsonObject
            {
                ["rows"] = rows.Rows,
                ["columns"] = ResultText.Json(rows.Order),
                ["seconds"] = Math.Round(seconds, 4),
                ["out"] = output,
            };
            if (at is { } time)
            {
                told["at"] = time;
            }

            parsed.InvocationConfiguration.Output.WriteLine(JsonOutput.Line(told));
        }
        else
        {
            parsed.InvocationConfiguration.Output.WriteLine(FormattableString.Invariant($"{rows.Rows} rows in {seconds:F2} s are in {output}"));
        }

        return ExitCodes.Success;
    }

    private DataTable Draw(ParseResult parsed, FlowModel model, Stopwatch clock)
    {
        var (table, start) = parsed.GetValue(_from) is not { } from ? (null, null)
            : model.Table is null ? GenerationFiles.Rows(from, model, parsed.GetValue(_layout), parsed.GetValue(_drop))
            : throw CommandException.Usage("A model of a table with types starts from Gaussian draws; leave --from out.");
        var count = start is null ? parsed.GetValue(_count) : start.Length / model.Dimension;
        clock.Restart();
        var settings = _carry.Settings(parsed, model, table) with { Seed = parsed.GetValue(_seed) };
        return model.Table is null ? DataTable.From(model.Generate(count, settings, start), model.Dimension, model.Columns, "the rows drawn")
            : new TableModel(model).Generate(count, settings, _carry.Given(parsed));
    }

    private (DataTable Rows, double? At) Draw(ParseResult parsed, IEvolution evolution, Stopwatch clock)
    {
        EvolutionFiles.Refuse(parsed, [_from, _drop, _layout, .. _carry.OfTransports]);
        var at = EvolutionFiles.Time(evolution, parsed.GetValue(_at));
        clock.Restart();
        var (positions, _) = EvolutionFiles.Within(
            () => evolution.DrawAt(parsed.GetValue(_count), at, parsed.GetValue(_seed), _carry.Threads(parsed)));
        return (DataTable.From(positions, evolution.Problem.Dimension, EvolutionFiles.Columns(evolution), "the rows drawn"), at);
    }
}
