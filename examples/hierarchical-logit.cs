#!/usr/bin/env dotnet
// A logistic regression with an effect of its own for every row of a table: germination of seeds on 21 plates (Crowder 1978), two kinds of seed, two root
// extracts. With the priors below BUGS reports alpha -0.55, seed 0.08, extract 1.35, both -0.82, sigma 0.29 (Spiegelhalter et al., "Seeds").
//   dotnet run examples/hierarchical-logit.cs -- sample --seed 1
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using System.Linq;
using System.IO;
using System.Runtime.CompilerServices;
using Monge.Cli;
using Monge.Data;
using Monge.Engine.Programs;
using Monge.Measures;

var table = CsvTable.Read(Beside("seeds.csv"));
Expr Column(string name) => Expr.Constant(table.Column(name), table.Rows);
var (seed, extract, germinated, seeds) = (Column("seed"), Column("extract"), Column("germinated"), Column("seeds"));

// The formula sees the coordinates block after block: four coefficients, the positive deviation of the plates' effects, and the effects over it.
(string Name, SupportTransform Support)[] blocks =
[
    ("alpha", SupportTransform.Real()), ("seed", SupportTransform.Real()), ("extract", SupportTransform.Real()), ("both", SupportTransform.Real()),
    ("sigma", SupportTransform.Positive()), ("effect", SupportTransform.Real(table.Rows)),
];

var model = Density.Create("seeds", 5 + table.Rows, x =>
{
    var (coefficients, sigma, effect) = (x[..4], x[4], x[5..]);
    var logit = x[0] + (x[1] * seed) + (x[2] * extract) + (x[3] * seed * extract) + (sigma * effect);
    return LogDensities.Normal(coefficients, 0, 10).Sum() + LogDensities.HalfNormal(sigma, 1) + LogDensities.StandardNormal(effect).Sum()
        + LogDensities.BinomialLogit(germinated, seeds, logit).Sum();
}, new DensityOptions
{
    Description = "Germination of seeds on 21 plates: a logistic regression with an effect for every plate.",
    Support = [.. blocks.Select(b => b.Support)],
    Names = [.. blocks.SelectMany(b => b.Support.Names(b.Name))],
});

return await MongeCommand.RunAsync(args, model);

static string Beside(string file, [CallerFilePath] string program = "") => Path.Combine(Path.GetDirectoryName(program)!, file);
