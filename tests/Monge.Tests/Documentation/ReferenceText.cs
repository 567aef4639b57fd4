using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Monge.Tests.Documentation;

/// <summary>Doc comments as Markdown.</summary>
/// <param name="link">The link to a symbol by the name that crefs have, "T:Monge.Data.DataTable"; null where it has no page.</param>
internal sealed partial class ReferenceText(Func<string, string?> link)
{
    /// <summary>The words of an element in one line, or in paragraphs where it has them; empty for none.</summary>
    public string Of(XElement? element) => element is null ? "" : string.Join(
        "\n\n", string.Concat(element.Nodes().Select(Node)).Split('\f').Select(part => Blanks().Replace(part, " ").Trim()).Where(part => part.Length > 0));

    /// <summary>The words of an element in one line.</summary>
    public string Line(XElement? element) => Of(element).Replace("\n\n", " ", StringComparison.Ordinal);

    private string Node(XNode node) => node switch
    {
        XText text => Escape(text.Value),
        XElement { Name.LocalName: "see" or "seealso" } see => See(see),
        XElement { Name.LocalName: "paramref" or "typeparamref" } named => $"`{named.Attribute("name")!.Value}`",
        XElement { Name.LocalName: "c" or "code" } code => $"`{Blanks().Replace(code.Value, " ").Trim()}`",
        XElement { Name.LocalName: "para" } paragraph => $"\f{string.Concat(paragraph.Nodes().Select(Node))}\f",
        XElement { Name.LocalName: "item" } item => $"\f- {string.Concat(item.Nodes().Select(Node)).Replace("\f", " ", StringComparison.Ordinal)}\f",
        XElement { Name.LocalName: "term" } term => $"{string.Concat(term.Nodes().Select(Node))}: ",
        XElement other => string.Concat(other.Nodes().Select(Node)),
        _ => "",
    };

    private string See(XElement see)
    {
        if (see.Attribute("langword") is { } word)
        {
            return $"`{word.Value}`";
        }

        if (see.Attribute("href") is { } address)
        {
            return $"<{address.Value}>";
        }

        var name = see.Attribute("cref")!.Value;
        var words = see.Value.Length > 0 ? see.Value : $"`{Short(name)}`";
        return link(name) is { } target ? $"[{words}]({target})" : words;
    }

    // "M:Monge.Runs.FlowModel.Save(System.String)" as "FlowModel.Save"; of types the last name alone.
    private static string Short(string name)
    {
        var parts = Arity().Replace(name[2..].Split('(')[0], "").Split('.');
        return name[0] is 'T' or '!' ? parts[^1] : parts[^1] is "#ctor" ? parts[^2] : string.Join('.', parts[^2..]);
    }

    private static string Escape(string text) => Special().Replace(text, @"\$0");

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"`+\d+")]
    private static partial Regex Arity();

    [GeneratedRegex(@"[<*`\\]")]
    private static partial Regex Special();
}
