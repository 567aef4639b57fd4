using Monge.Runs;
using Spectre.Console;

namespace Monge.Cli.Output;

/// <summary>Writes what a result says of itself: tables, lines, warnings and, last, pictures in text.</summary>
internal static class SummaryWriter
{
    // In files and pipes text and pictures stay within a usual terminal; tables are as wide as they need to be.
    private const int PlainWidth = 80;
    private const int PlainTableWidth = 110;

    /// <summary>Writes a summary to the console.</summary>
    public static void Write(IReadOnlyList<SummaryBlock> blocks, IReadOnlyList<Diagnostics.Status> warnings, TextWriter output) =>
        Write(blocks, warnings, Open(output), Console.IsOutputRedirected);

    /// <summary>The summary as plain text, as it stands in a file.</summary>
    public static string Text(IReadOnlyList<SummaryBlock> blocks, IReadOnlyList<Diagnostics.Status> warnings)
    {
        using var text = new StringWriter();
        Write(blocks, warnings, Open(text, plain: true), plain: true);
        return string.Join('\n', text.ToString().Split('\n').Select(l => l.TrimEnd()));
    }

    /// <summary>A console on a writer; plain text without colours when the output goes to a file.</summary>
    internal static IAnsiConsole Open(TextWriter output) => Open(output, Console.IsOutputRedirected);

    /// <summary>Writes a table, in plain text as wide as it needs to be.</summary>
    internal static void WriteTable(IAnsiConsole console, Table table, bool plain)
    {
        var width = console.Profile.Width;
        console.Profile.Width = plain ? PlainTableWidth : width;
        console.Write(table);
        console.Profile.Width = width;
    }

    private static IAnsiConsole Open(TextWriter output, bool plain)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (plain)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }

    private static void Write(IReadOnlyList<SummaryBlock> blocks, IReadOnlyList<Diagnostics.Status> warnings, IAnsiConsole console, bool plain)
    {
        console.WriteLine();
        foreach (var block in blocks)
        {
            switch (block)
            {
                case SummaryTable table:
                    WriteTable(console, Render(table), plain);
                    break;
                case SummaryLines lines:
                    console.Write(Render(lines));
                    break;
                case SummaryText sentence:
                    console.WriteLine(sentence.Text);
                    console.WriteLine();
                    break;
            }
        }

        foreach (var warning in warnings)
        {
            console.MarkupLineInterpolated($"[yellow]warning:[/] {warning.Message}");
        }

        foreach (var cloud in blocks.OfType<SummaryCloud>())
        {
            if (TerminalPicture.Fitting(console.Profile.Width, cloud.Positions, cloud.Weights, cloud.Names) is { } picture)
            {
                console.WriteLine();
                console.Write(new Text(picture));
            }
        }

        foreach (var strip in blocks.OfType<SummaryStrip>())
        {
            console.WriteLine();
            console.Write(new Text(TerminalStrip.Fitting(console.Profile.Width, strip.Pictures)));
        }
    }

    private static Table Render(SummaryTable block)
    {
        var table = new Table().Border(TableBorder.Rounded);
        for (var j = 0; j < block.Heads.Count; j++)
        {
            table.AddColumn(new TableColumn(Markup.Escape(block.Heads[j])) { Alignment = j == 0 ? Justify.Left : Justify.Right, NoWrap = j > 0 });
        }

        foreach (var row in block.Rows)
        {
            table.AddRow([.. row.Select(text => new Text(text))]);
        }

        return block.Caption is { } caption ? table.Caption(caption) : table;
    }

    private static Grid Render(SummaryLines block)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach (var (name, text) in block.Lines)
        {
            grid.AddRow(new Text(name), new Text(text));
        }

        return grid;
    }
}
