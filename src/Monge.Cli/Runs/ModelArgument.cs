using System.CommandLine;
using Monge.Data;
using Monge.Measures;

namespace Monge.Cli.Runs;

/// <summary>The model that a command takes, and other data for it.</summary>
internal sealed class ModelArgument
{
    private readonly Argument<string> _name;
    private readonly Option<string?> _data;
    private readonly Func<PosteriorModel, bool> _isAble;

    /// <summary>Makes the argument.</summary>
    /// <param name="description">What the model must be able to.</param>
    /// <param name="data">What data are taken for.</param>
    /// <param name="isAble">Whether a model is.</param>
    public ModelArgument(string description, string data, Func<PosteriorModel, bool> isAble)
    {
        _name = new Argument<string>("model") { Description = description, HelpName = "MODEL" };
        _data = new Option<string?>("--data") { Description = data, HelpName = "FILE" };
        _isAble = isAble;
        _name.CompletionSources.Add(_ => Able());
    }

    /// <summary>The symbols, to be added to a command.</summary>
    public IEnumerable<Symbol> Symbols => [_name, _data];

    /// <summary>The model and the data that were named, and what names them in records.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="reason">What is said of a model that can't, after its name.</param>
    public (PosteriorModel Model, ModelData? Data, IReadOnlyList<(string Name, string Value)> Identity) Of(ParseResult parsed, string reason)
    {
        var asked = parsed.GetRequiredValue(_name);
        var model = PosteriorLibrary.Find(asked) ?? throw CommandException.Usage(UnknownName.Sentence("model", asked, Able(), "monge targets"));
        if (!_isAble(model))
        {
            throw CommandException.Usage($"'{model.Name}' {reason}; models that can are {string.Join(", ", Able())}.");
        }

        var file = parsed.GetValue(_data);
        return (model, file is null ? null : ModelData.Read(file), [("model", model.Name), .. file is null ? [] : new[] { ("data", Path.GetFullPath(file)) }]);
    }

    private string[] Able() => [.. PosteriorLibrary.All.Where(_isAble).Select(m => m.Name)];
}
