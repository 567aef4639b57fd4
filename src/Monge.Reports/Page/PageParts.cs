using System.Reflection;
using System.Text;

namespace Monge.Reports.Page;

/// <summary>The pages' embedded parts: plotly.js as the package Plotly.NET carries it, the style sheet and the script.</summary>
internal static class PageParts
{
    /// <summary>plotly.js, minified, with its licence line.</summary>
    public static string PlotlyScript()
    {
        // The assembly is loaded only for its resource; nothing in it runs, and none of what it depends on is needed.
        using var assembly = Open(typeof(PageParts).Assembly, name => name == "Plotly.NET.dll");
        using var bytes = new MemoryStream();
        assembly.CopyTo(bytes);
        using var script = Open(Assembly.Load(bytes.ToArray()), name => name.EndsWith(".min.js", StringComparison.Ordinal));
        return Text(script);
    }

    /// <summary>The style sheet.</summary>
    public static string Style() => Text(Open(typeof(PageParts).Assembly, name => name == "report.css"));

    /// <summary>The page's own script.</summary>
    public static string Script() => Text(Open(typeof(PageParts).Assembly, name => name == "report.js"));

    private static Stream Open(Assembly assembly, Predicate<string> isWanted) =>
        assembly.GetManifestResourceStream(assembly.GetManifestResourceNames().Single(n => isWanted(n)))!;

    private static string Text(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
