using System.Diagnostics;
using Monge.Data;
using Xunit.Abstractions;

namespace Monge.Tests.Data;

/// <summary>Draws as other programs read them.</summary>
public sealed class DrawFileTests(ITestOutputHelper output)
{
    // The columns of theta stand in no order; corr[1,1], ... count from 1; rest[3] fills no block.
    private static readonly string[] s_names = ["theta[1]", "mu", "theta[0]", "corr[1,1]", "corr[1,2]", "corr[2,1]", "corr[2,2]", "rest[3]"];
    private static readonly double[] s_values = [.. Enumerable.Range(0, 24).Select(k => k + 0.1)];
    private static readonly double[] s_logWeights = [-1.5, double.NegativeInfinity, 0.25];

    [Fact]
    public void An_archive_holds_an_array_for_each_variable_and_the_log_weights()
    {
        using var scratch = new Scratch();
        DrawFile.Write(scratch.File("d.npz"), DrawFormat.Npz, s_names, s_values, s_logWeights);
        var arrays = NumpyFile.ReadArchive(scratch.File("d.npz"));
        Assert.Equal(["theta", "mu", "corr", "rest[3]", ".log_weight"], arrays.Keys);
        Assert.Equal([3, 2], arrays["theta"].Shape.ToArray());
        Assert.Equal([3], arrays["mu"].Shape.ToArray());
        Assert.Equal([3, 2, 2], arrays["corr"].Shape.ToArray());
        Assert.Equal([2.1, 0.1, 10.1, 8.1, 18.1, 16.1], arrays["theta"].ToDoubles());
        Assert.Equal([3.1, 4.1, 5.1, 6.1], arrays["corr"].ToDoubles()[..4]);
        Assert.Equal(s_logWeights, arrays[".log_weight"].ToDoubles());
        var bytes = File.ReadAllBytes(scratch.File("d.npz"));
        DrawFile.Write(scratch.File("d.npz"), DrawFormat.Npz, s_names, s_values, s_logWeights);
        Assert.Equal(bytes, File.ReadAllBytes(scratch.File("d.npz")));
    }

    [Fact]
    public void A_table_has_the_log_weights_as_its_last_column()
    {
        using var scratch = new Scratch();
        DrawFile.Write(scratch.File("d.csv"), DrawFormat.Csv, s_names, s_values, s_logWeights);
        var lines = File.ReadAllLines(scratch.File("d.csv"));
        Assert.Equal("theta[1],mu,theta[0],\"corr[1,1]\",\"corr[1,2]\",\"corr[2,1]\",\"corr[2,2]\",rest[3],.log_weight", lines[0]);
        Assert.Equal("0.1,1.1,2.1,3.1,4.1,5.1,6.1,7.1,-1.5", lines[1]);
        Assert.EndsWith(",-Infinity", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void ArviZ_gets_arrays_of_chain_draw_and_axes_and_no_weights()
    {
        using var scratch = new Scratch();
        DrawFile.Write(scratch.File("d.json"), DrawFormat.Arviz, s_names, s_values, [2, 2, 2]);
        var arrays = DrawFile.ReadArviz(scratch.File("d.json"));
        Assert.Equal(["theta", "mu", "corr", "rest[3]"], arrays.Keys);
        Assert.Equal([1, 3, 2], arrays["theta"].Shape.ToArray());
        Assert.Equal([1, 3], arrays["mu"].Shape.ToArray());
        Assert.Equal([1, 3, 2, 2], arrays["corr"].Shape.ToArray());
        Assert.Equal([2.1, 0.1, 10.1, 8.1, 18.1, 16.1], arrays["theta"].ToDoubles());
        Assert.Equal([1.1, 9.1, 17.1], arrays["mu"].ToDoubles());

        var weighted = Assert.Throws<ArgumentException>(() => DrawFile.Write(scratch.File("w.json"), DrawFormat.Arviz, s_names, s_values, s_logWeights));
        Assert.Contains("resample them first", weighted.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => DrawFile.Write(scratch.File("w.json"), DrawFormat.Arviz, ["x"], [1, double.NaN]));
        Assert.False(File.Exists(scratch.File("w.json")));
        Assert.Throws<DataFormatException>(() => DrawFile.ReadArviz(scratch.With("n.json", """{"prior": {}}""")));
        Assert.Throws<DataFormatException>(() => DrawFile.ReadArviz(scratch.With("l.json", """{"posterior": {"x": [[1, 2], [3]]}}""")));
        Assert.Throws<DataFormatException>(() => DrawFile.ReadArviz(scratch.With("x.json", "draws")));
    }

    [Theory]
    [InlineData("a[0] a[1] a", "a[0] a[1] a")]
    [InlineData("a[0] a[2]", "a[0] a[2]")]
    [InlineData("a[2] a[3]", "a[2] a[3]")]
    [InlineData("a[0] a[0,1]", "a[0] a[0,1]")]
    [InlineData("a[x] [1] b]", "a[x] [1] b]")]
    [InlineData("b a[1] a[2]", "b a")]
    public void Coordinates_whose_indices_fill_no_block_keep_their_names(string names, string variables) =>
        Assert.Equal(variables.Split(' '), DrawVariable.Of(names.Split(' ')).Select(v => v.Name));

    [Fact]
    public void Python_reads_the_files_as_they_are_meant()
    {
        using var scratch = new Scratch();
        DrawFile.Write(scratch.File("d.json"), DrawFormat.Arviz, s_names, s_values);
        DrawFile.Write(scratch.File("d.npz"), DrawFormat.Npz, s_names, s_values, s_logWeights);
        var said = Python(scratch.Directory, """
            import json, zipfile
            d = json.load(open("d.json"))["posterior"]
            print(len(d["theta"]), len(d["theta"][0]), d["theta"][0][1], d["corr"][0][2])
            print(zipfile.ZipFile("d.npz").testzip(), zipfile.ZipFile("d.npz").namelist())
            """);
        if (said is null)
        {
            output.WriteLine("Python isn't installed, so its reading of the files wasn't tried.");
            return;
        }

        Assert.Equal("1 3 [10.1, 8.1] [[19.1, 20.1], [21.1, 22.1]]", said[0]);
        Assert.Equal("None ['theta.npy', 'mu.npy', 'corr.npy', 'rest[3].npy', '.log_weight.npy']", said[1]);
        var numpy = Python(scratch.Directory, """
            import numpy as np
            d = np.load("d.npz")
            print(d["theta"].tolist(), d[".log_weight"].tolist())
            """);
        if (numpy is null)
        {
            output.WriteLine("NumPy isn't installed, so its reading of the archive wasn't tried.");
            return;
        }

        Assert.Equal("[[2.1, 0.1], [10.1, 8.1], [18.1, 16.1]] [-1.5, -inf, 0.25]", numpy[0]);
    }

    [Fact]
    public void Chains_are_an_axis_of_their_own()
    {
        using var scratch = new Scratch();
        double[] values = [.. Enumerable.Range(0, 12).Select(k => (double)k)];
        DrawFile.Write(scratch.File("d.json"), DrawFormat.Arviz, ["a[0]", "a[1]"], values, chains: 2);
        var array = DrawFile.ReadArviz(scratch.File("d.json"))["a"];
        Assert.Equal([2, 3, 2], array.Shape);
        Assert.Equal(values, array.ToDoubles());
        DrawFile.Write(scratch.File("d.npz"), DrawFormat.Npz, ["a[0]", "a[1]"], values, [.. new double[6]], chains: 2);
        var arrays = NumpyFile.ReadArchive(scratch.File("d.npz"));
        Assert.Equal([2, 3, 2], arrays["a"].Shape);
        Assert.Equal([2, 3], arrays[DrawFile.LogWeightName].Shape);
        Assert.Throws<ArgumentException>(() => DrawFile.Write(scratch.File("d.npz"), DrawFormat.Npz, ["a[0]", "a[1]"], values, chains: 4));
    }

    // The lines that a program prints; null where Python or what the program imports isn't there.
    private static string[]? Python(string folder, string program)
    {
        try
        {
            var start = new ProcessStartInfo("python3", ["-c", program])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var lines = process.StandardOutput.ReadToEnd().TrimEnd().Split('\n');
            process.WaitForExit();
            Assert.True(process.ExitCode == 0 || error.Result.Contains("ModuleNotFoundError", StringComparison.Ordinal), error.Result);
            return process.ExitCode == 0 ? lines : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
