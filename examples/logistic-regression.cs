#!/usr/bin/env dotnet
// A posterior of your own table: the odds of y = 1 as a linear function of the other columns, with Monge's whole command line.
//   dotnet run examples/logistic-regression.cs -- data/logistic/sonar.csv sample --method nuts
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Cli;
using Monge.Data;
using Monge.Engine.Programs;
using Monge.Measures;

var table = DataTable.Read(args[0]);
string[] names = [.. table.Names.Where(n => n != "y")];
var (rows, columns) = (table.Rows, names.Length);
double[] y = [.. table.Column("y").Select(v => v > 0 ? 1.0 : 0)];
var features = new double[rows * columns];
for (var j = 0; j < columns; j++)
{
    // Each column with mean 0 and deviation 1, so that one prior fits all.
    var column = table.Column(names[j]);
    var mean = column.Average();
    var deviation = Math.Sqrt(column.Average(v => (v - mean) * (v - mean)));
    for (var i = 0; i < rows; i++)
    {
        features[(i * columns) + j] = deviation > 0 ? (column[i] - mean) / deviation : 0;
    }
}

var posterior = Density.Create("my-regression", columns + 1, w =>
    LogDensities.StandardNormal(w).Sum()
    + LogDensities.BernoulliLogit(Expr.Constant(y, rows), w[columns] + Expr.MatrixProduct(Expr.Constant(features, rows, columns), w[..columns])).Sum(),
    new DensityOptions { Names = [.. names, "intercept"] });
return await MongeCommand.RunAsync(args[1..], posterior);
