using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Cli.Generation;
using Monge.Data;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge train DATA --target COLUMN</c>: trains networks that predict a column of a table.</summary>
internal sealed class TrainCommand
{
    private const string MeanField = "mean-field";
    private const string TangentKernel = "ntk";

    private readonly Argument<string> _data = GenerationFiles.Data("The rows to learn from");
    private readonly Option<string> _target = new("--target") { Description = "The column to predict.", HelpName = "COLUMN", Required = true };
    private readonly Option<int> _width = CommandOptions.Integer("--width", "Neurons of a network. [default: 512]", 0, 2, 65_536, "M");
    private readonly Option<double?> _scaling = new("--scaling")
    {
        Description = "The network's scale m^-g: mean-field (g = 1), ntk (g = 0.5), or g itself. [default: 1 or 0.85, by held-out rows; 1 for the flow]",
        HelpName = $"{MeanField}|{TangentKernel}|G",
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (text is MeanField or TangentKernel)
            {
                return text == MeanField ? 1 : 0.5;
            }

            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var exponent) && exponent is >= 0.5 and <= 1)
            {
                return exponent;
            }

            result.AddError($"--scaling takes {MeanField}, {TangentKernel} or an exponent from 0.5 to 1, not '{text}'.");
            return null;
        },
    };

    private readonly Option<int> _layers = CommandOptions.Integer(
        "--layers", "2 for shallow networks, 3 for neurons on a frozen random first layer. [default: 2]", 0, 2, 3, "2|3");

    private readonly Option<string> _optimiser = CommandOptions.Word(
        "--optimiser", "adam for predictions; flow for gradient descent on all rows, for which a rate is certified. [default: adam]", "", "adam", "flow");

    private readonly Option<bool> _birthDeath =
        new("--birth-death") { Description = "Let neurons die and be born beside the flow, as their potentials say; takes the optimiser flow." };

    private readonly Option<int> _runs = CommandOptions.Integer(
        "--runs", "Networks from independent starts; two or more give predictions a band. [default: 5]", 0, 1, 1000, "K");

    private readonly Option<int> _halvings = CommandOptions.Integer(
        "--halvings", "Train as many networks of half the width, a quarter of it and so on, N times, for exponents in the width. [default: 0]", 0, 2, 10);

    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly Option<bool> _force = new("--force") { Description = "Replace the model and the run that are there already." };

    // A default of 0 stands for "not given", which help has no reason to show.
    private TrainCommand()
    {
        foreach (var option in (Option<int>[])[_width, _layers, _runs, _halvings])
        {
            option.DefaultValueFactory = null;
        }

        _optimiser.DefaultValueFactory = null;
        _scaling.CompletionSources.Add(MeanField, TangentKernel);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var train = new TrainCommand();
        return RunCommand<NetworkProblem, NetworkModel>.Create(new RunKind<NetworkProblem, NetworkModel>
        {
            Kind = MethodKind.Train,
            Description = "Train networks of neurons that predict a column of a table, for predict.",
            DefaultMethod = MethodRegistry.Trainings[0].Facts.Name,
            Methods = () => MethodRegistry.Trainings,
            Symbols = [train._data, train._target, train._width, train._scaling, train._layers, train._optimiser, train._birthDeath, train._runs,
                train._halvings, train._drop, train._layout, train._force],
            Replaces = parsed => parsed.GetValue(train._force),
            Problem = train.Problem,
            Report = (_, _, problem, model, run) => NetworkResult.Of(model, problem, run),
            Closing = "model, held-out predictions, record and course",
            Flags = train.Flags,
            Examples =
            [
                ("monge train data.csv --target price --out m.safetensors", "learn a column from the others"),
                ("monge train data.csv --target price --runs 20", "a band from twenty networks"),
                ("monge train data.csv --target price --optimiser flow --layers 3", "gradient flow on a random first layer, with its certified bound"),
                ("monge train data.csv --target price --birth-death", "neurons that die where they do harm and are doubled where they help"),
                ("monge train data.csv --target price --width 1024 --halvings 4", "how networks of 64 to 1024 neurons differ, and how far features move"),
                ("monge train data.csv --target price --scaling ntk", "nearly frozen features, as under the tangent kernel"),
            ],
        });
    }

    private StatedProblem<NetworkProblem> Problem(ParseResult parsed, int threads)
    {
        var (file, target) = (parsed.GetRequiredValue(_data), parsed.GetRequiredValue(_target));
        var table = GenerationFiles.Read(file, parsed.GetValue(_layout), new DataTableOptions { Words = true, Drop = parsed.GetValue(_drop) ?? [] });
        try
        {
            // What the table lacks is told before a folder is made.
            RegressionColumns.Of(table, target);
            return new StatedProblem<NetworkProblem>(
                new NetworkProblem(table, target), Path.GetFileNameWithoutExtension(file.Split(':')[0]), [("data", file), ("target", target)]);
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    private JsonObject Flags(ParseResult parsed)
    {
        JsonObject flags = [];
        foreach (var (option, name) in ((Option<int>, string)[])[(_width, "width"), (_layers, "layers"), (_runs, "runs"), (_halvings, "halvings")])
        {
            if (parsed.GetValue(option) is > 0 and var value)
            {
                flags[name] = value;
            }
        }

        if (parsed.GetValue(_scaling) is { } exponent)
        {
            flags["exponent"] = exponent;
        }

        if (parsed.GetValue(_optimiser) is { Length: > 0 } optimiser)
        {
            flags["optimiser"] = optimiser;
        }

        if (parsed.GetValue(_birthDeath))
        {
            if (flags["optimiser"]?.GetValue<string>() == "adam")
            {
                throw CommandException.Usage("--birth-death goes with the optimiser flow, not with adam; leave one of the two out.");
            }

            (flags["birthDeath"], flags["optimiser"]) = (NetworkTrainingOptions.UsualBirthDeath, "flow");
        }

        return flags;
    }
}
