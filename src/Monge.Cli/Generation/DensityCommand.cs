using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Cli.Runs;
using Monge.Data;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary><c>monge density MODEL DATA</c>: the log-likelihood of rows.</summary>
internal sealed class DensityCommand
{
    private readonly EvolutionProblem? _own;
    private readonly Argument<string> _model = GenerationFiles.ModelOrEvolution();
    private readonly Argument<string> _data = GenerationFiles.Data("The rows");
    private readonly Option<string?> _out = GenerationFiles.Out("the log densities, one a row");
    private readonly Option<string> _unit = CommandOptions.Word("--unit", "The unit.", "nats", "nats", "bits");
    private readonly Option<int> _probes = CommandOptions.Integer(
        "--probes", "Estimate the divergence with N random probes a row instead of computing it, for many columns. [default: exact]", 0, 1, 1024);
    private readonly Option<int> _paths = CommandOptions.Integer("--paths", "With --sde: paths a row of the Feynman-Kac estimate.", 100, 2, 1_000_000);
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly Option<double?> _at = EvolutionFiles.At();
    private readonly CarryOptions _carry = new(withSde: true);
    private readonly Option<bool> _json = CommandOptions.Json("one object with mean, error and the unit a dimension");

    private DensityCommand(EvolutionProblem? own)
    {
        _own = own;
        _probes.DefaultValueFactory = null;
    }

    /// <summary>Makes the command.</summary>
    /// <param name="own">The evolution of the program that runs, if it brings one.</param>
    public static Command Create(EvolutionProblem? own)
    {
        var density = new DensityCommand(own);
        var command = new Command(
            "density", "The log density of rows under a fitted model, or an evolution's law at a time: each row's, their mean, and nats or bits a dimension.")
        {
            density._model, density._data, density._out, density._at, density._unit, density._probes, density._paths, density._seed, density._json,
        };
        command.Add(density._drop);
        command.Add(density._layout);
        density._carry.AddTo(command);
        HelpExamples.Add(
            command,
            ("monge density m.safetensors test.csv", "mean log-likelihood with its error"),
            ("monge density m.safetensors test.csv -o logp.csv", "each row's too"),
            ("monge density m.safetensors digits.npy --probes 8 --unit bits", "many columns: estimated divergence"),
            ("monge density m.safetensors test.csv --sde 0.5 --paths 200", "the law of the SDE, by Feynman-Kac"),
            ("monge density runs/ou-2-seed1 points.csv --at 0.5 -o logp.csv", "an evolution's law at t = 0.5"));
        command.SetWork((parsed, _) => density.Run(parsed));
        return command;
    }

    private int Run(ParseResult parsed)
    {
        if (EvolutionFiles.TryLoad(parsed.GetRequiredValue(_model), _own, parsed.GetValue(_at)) is { } evolution)
        {
            return RunEvolution(parsed, evolution);
        }

        var model = GenerationFiles.Load(parsed.GetRequiredValue(_model));
        if (model.Table is not null)
        {
            return RunTyped(parsed, new TableModel(model));
        }

        var (table, rows) = GenerationFiles.Rows(parsed.GetRequiredValue(_data), model, parsed.GetValue(_layout), parsed.GetValue(_drop));
        var settings = _carry.Settings(parsed, model, table) with { Probes = parsed.GetValue(_probes), Seed = parsed.GetValue(_seed) };
        double[] values;
        double[] errors = [];
        if (settings.Diffusion > 0)
        {
            (values, errors) = model.FeynmanKac(rows, parsed.GetValue(_paths), settings);
        }
        else
        {
            values = model.LogDensity(rows, settings);
        }

        return Tell(parsed, values, errors, rows, model.Dimension);
    }

    private int RunEvolution(ParseResult parsed, IEvolution evolution)
    {
        EvolutionFiles.Refuse(parsed, [_probes, _paths, _seed, .. _carry.OfTransports]);
        var rows = GenerationFiles.Rows(
            parsed.GetRequiredValue(_data), EvolutionFiles.Columns(evolution), parsed.GetValue(_layout), parsed.GetValue(_drop));
        var at = EvolutionFiles.Time(evolution, parsed.GetValue(_at));
        var values = EvolutionFiles.Within(() => evolution.LogDensityAt(rows, at, _carry.Threads(parsed)));
        return Tell(parsed, values, [], rows, evolution.Problem.Dimension, at);
    }

    private int Tell(ParseResult parsed, double[] values, double[] errors, double[] rows, int dimension, double? at = null)
    {
        var scale = parsed.GetRequiredValue(_unit) == "bits" ? 1 / Math.Log(2) : 1;
        values = Array.ConvertAll(values, v => v * scale);
        if (parsed.GetValue(_out) is { } output)
        {
            Write(output, values, Array.ConvertAll(errors, e => e * scale));
        }

        Print(parsed, values, rows, dimension, at);
        return ExitCodes.Success;
    }

    // Words, whole numbers and zeros have probabilities, the rest a density given them; the law of a row is the product.
    private int RunTyped(ParseResult parsed, TableModel model)
    {
        var table = GenerationFiles.Rows(parsed.GetRequiredValue(_data), model, parsed.GetValue(_layout), parsed.GetValue(_drop));
        var settings = _carry.Settings(parsed, model.Flow, table) with { Probes = parsed.GetValue(_probes), Seed = parsed.GetValue(_seed) };
        if (settings.Diffusion > 0)
        {
            throw CommandException.Usage("The density of a table with types is that of the ODE; leave --sde out.");
        }

        var unit = parsed.GetRequiredValue(_unit);
        var scale = unit == "bits" ? 1 / Math.Log(2) : 1;
        var law = model.LogDensity(table, settings, _carry.Given(parsed));
        double[] Scaled(double[] values) => Array.ConvertAll(values, v => v * scale);
        var (probability, density, sum) = (Scaled(law.LogProbability), Scaled(law.LogDensity), Scaled(law.Sum));
        if (parsed.GetValue(_out) is { } path)
        {
            DrawOutput.WriteRows(
                path, null, ["log_probability", "log_density", "log_likelihood"],
                [.. Enumerable.Range(0, sum.Length).SelectMany(i => new[] { probability[i], density[i], sum[i] })]);
        }

        var (mean, error) = MeanOfRows.Of(sum);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_json))
        {
            output.WriteLine(JsonOutput.Line(new JsonObject
            {
                ["rows"] = sum.Length,
                ["unit"] = unit,
                ["log_likelihood"] = ResultText.Json(mean),
                ["log_likelihood_error"] = ResultText.Json(error),
                ["log_probability"] = ResultText.Json(probability.Average()),
                ["log_density"] = ResultText.Json(density.Average()),
                ["out"] = parsed.GetValue(_out),
            }));
            return ExitCodes.Success;
        }

        var count = ResultText.Of($"{sum.Length} {(sum.Length == 1 ? "row" : "rows")}");
        output.WriteLine($"log-likelihood   {MeanOfRows.Text(mean, error, unit)}, mean of {count}");
        output.WriteLine(ResultText.Of($"log-probability  {probability.Average():F4} {unit} a row, of {Named(model, t => t.IsDiscrete, " = 0 or not")}"));
        output.WriteLine(ResultText.Of($"log density      {density.Average():F4} {unit} a row, of {Named(model, t => t.HasDensity, "")} given these"));
        if (parsed.GetValue(_out) is { } written)
        {
            output.WriteLine($"each row's       in {written}");
        }

        return ExitCodes.Success;
    }

    private static string Named(TableModel model, Func<ColumnType, bool> which, string zero)
    {
        string[] names = [.. model.Types.Generated.Where(which).Select(t => t.Name + (t.Kind == ColumnKind.ZeroInflated ? zero : ""))];
        return names.Length == 0 ? "no column" : string.Join(", ", names);
    }

    private static void Write(string path, double[] values, double[] errors)
    {
        if (errors.Length == 0)
        {
            DrawOutput.WriteRows(path, null, ["log_density"], values);
            return;
        }

        DrawOutput.WriteRows(path, null, ["log_density", "error"], [.. values.Zip(errors, (v, e) => new[] { v, e }).SelectMany(pair => pair)]);
    }

    private void Print(ParseResult parsed, double[] values, double[] rows, int dimension, double? at)
    {
        var unit = parsed.GetRequiredValue(_unit);
        var (mean, error) = MeanOfRows.Of(values, rows, dimension);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_json))
        {
            var told = new JsonObject
            {
                ["rows"] = values.Length,
                ["unit"] = unit,
                ["log_density"] = ResultText.Json(mean),
                ["log_density_error"] = ResultText.Json(error),
                ["negative_log_density_per_dimension"] = ResultText.Json(-mean / dimension),
                ["out"] = parsed.GetValue(_out),
            };
            if (at is { } time)
            {
                told["at"] = time;
            }

            output.WriteLine(JsonOutput.Line(told));
            return;
        }

        var count = ResultText.Of($"{values.Length} {(values.Length == 1 ? "row" : "rows")}");
        output.WriteLine($"log density  {MeanOfRows.Text(mean, error, unit)}, mean of {count}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"             {-mean / dimension:F4} {unit} a dimension"));
        if (parsed.GetValue(_out) is { } path)
        {
            output.WriteLine($"each row's   in {path}");
        }
    }
}
