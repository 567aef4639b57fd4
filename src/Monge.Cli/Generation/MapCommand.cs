using System.CommandLine;
using Monge.Cli.Runs;
using Monge.Data;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary><c>monge map MODEL DATA</c>: carries rows to the other end.</summary>
internal sealed class MapCommand
{
    private readonly Argument<string> _model = GenerationFiles.Model();
    private readonly Argument<string> _data = GenerationFiles.Data("The rows");
    private readonly Option<string> _to = CommandOptions.Word(
        "--to", "The end to carry to: the base (standard normal numbers if it is Gaussian), or the data.", "base", "base", "data");
    private readonly Option<string?> _out = GenerationFiles.Out("the rows at the other end");
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly CarryOptions _carry = new(withSde: true);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var map = new MapCommand();
        var command = new Command("map", "Carry rows to the other end of a fitted transport.") { map._model, map._data, map._to, map._out, map._seed };
        command.Add(map._drop);
        command.Add(map._layout);
        map._carry.AddTo(command);
        HelpExamples.Add(
            command,
            ("monge map m.safetensors data.csv -o latent.csv", "encode: data to the base"),
            ("monge map m.safetensors latent.csv --to data -o back.csv", "and back"),
            ("monge map map.safetensors before.csv --to data -o after.csv", "from one table's law to the other's"));
        command.SetWork((parsed, _) => map.Run(parsed));
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var model = GenerationFiles.Load(parsed.GetRequiredValue(_model));
        var (layout, drop, isToBase) = (parsed.GetValue(_layout), parsed.GetValue(_drop), parsed.GetRequiredValue(_to) == "base");
        DataTable carried;
        if (model.Table is null)
        {
            var (table, rows) = GenerationFiles.Rows(parsed.GetRequiredValue(_data), model, layout, drop);
            var settings = _carry.Settings(parsed, model, table) with { Seed = parsed.GetValue(_seed) };
            var moved = isToBase ? model.ToBase(rows, settings) : model.ToData(rows, settings);
            carried = DataTable.From(moved, model.Dimension, model.Columns, "the rows carried");
        }
        else
        {
            var typed = new TableModel(model);
            var table = GenerationFiles.Rows(parsed.GetRequiredValue(_data), typed, layout, drop);
            var (settings, given) = (_carry.Settings(parsed, model, table) with { Seed = parsed.GetValue(_seed) }, _carry.Given(parsed));
            carried = isToBase ? typed.ToBase(table, settings, given) : typed.ToData(table, settings, given);
        }

        if (parsed.GetValue(_out) is { } output)
        {
            DrawOutput.WriteRows(output, null, carried);
            parsed.InvocationConfiguration.Output.WriteLine(FormattableString.Invariant($"{carried.Rows} rows are in {output}"));
        }
        else
        {
            carried.WriteText(parsed.InvocationConfiguration.Output);
        }

        return ExitCodes.Success;
    }
}
